// A second map above the first one, seen to the right of a line that can be moved.

export class Swipe {
  constructor(makeMap) {
    this.makeMap = makeMap;
    this.frame = document.getElementById("right");
    this.handle = document.getElementById("swipe");
    this.names = [document.getElementById("left-name"), document.getElementById("right-name")];
    this.map = null;
    this.at = 50;
    this.handle.addEventListener("pointerdown", (event) => this.handle.setPointerCapture(event.pointerId));
    this.handle.addEventListener("pointermove", (event) => {
      if (this.handle.hasPointerCapture(event.pointerId)) this.moveTo((100 * event.clientX) / innerWidth);
    });
    this.handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -2, ArrowRight: 2, Home: -100, End: 100 }[event.key];
      if (step) this.moveTo(this.at + step);
    });
  }

  get isOpen() {
    return this.map !== null;
  }

  // Show an image to the right of the line, moving with the left map.
  open(left, image, names) {
    this.close();
    this.show(true);
    this.names.forEach((element, i) => (element.textContent = names[i]));
    const { lng, lat } = left.getCenter();
    this.map = this.makeMap("right", image, { center: [lng, lat], zoom: left.getZoom(), interactive: false });
    this.follow = () => this.map.jumpTo({ center: left.getCenter(), zoom: left.getZoom() });
    left.on("move", this.follow);
    this.left = left;
    this.moveTo(this.at);
  }

  close() {
    if (!this.map) return;
    this.left.off("move", this.follow);
    this.map.remove();
    this.map = null;
    this.show(false);
  }

  show(visible) {
    for (const element of [this.frame, this.handle, ...this.names]) element.hidden = !visible;
  }

  moveTo(percent) {
    this.at = Math.min(Math.max(percent, 2), 98);
    document.documentElement.style.setProperty("--at", `${this.at}%`);
    this.handle.setAttribute("aria-valuenow", String(Math.round(this.at)));
  }

  // Whether a point of the window shows the right image.
  isRight(x) {
    return this.isOpen && x > (innerWidth * this.at) / 100;
  }
}
