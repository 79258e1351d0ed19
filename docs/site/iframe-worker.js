// Search in a folder that is opened without a server: browsers start no workers of file:// pages, so the
// script of the worker runs in a hidden frame. Elsewhere nothing changes.
(() => {
  if (location.protocol !== "file:") return;

  class IFrameWorker extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.srcdoc = `<script src="${url}"></script>`;
      document.body.append(this.frame);
      this.frame.addEventListener("load", () => {
        const loaded = this.frame.contentWindow;
        loaded.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        this.ready = true;
        for (const data of this.waiting.splice(0)) this.postMessage(data);
      });
    }

    postMessage(data) {
      if (!this.ready) this.waiting.push(data);
      else this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
    }

    terminate() {
      this.frame.remove();
    }
  }

  window.IFrameWorker = window.Worker = IFrameWorker;
})();
