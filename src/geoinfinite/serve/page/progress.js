// How many map tiles are on their way, and about how long they take.

import { seconds } from "./words.js";

const EVERY_MS = 700;

export class Progress {
  constructor(element, client) {
    this.element = element;
    this.client = client;
    this.tiles = new Set();
    this.timer = null;
  }

  // Count the tiles of a map until they are there, have failed, or were scrolled away.
  watch(map) {
    map.on("dataloading", (event) => event.tile && this.change(() => this.tiles.add(event.tile)));
    for (const name of ["data", "dataabort", "error"]) {
      map.on(name, (event) => event.tile && this.change(() => this.tiles.delete(event.tile)));
    }
    map.on("idle", () => this.change(() => this.tiles.clear()));
    map.on("remove", () => this.change(() => this.tiles.clear()));
  }

  change(what) {
    what();
    if (this.tiles.size === 0) {
      clearTimeout(this.timer);
      this.timer = null;
      this.element.hidden = true;
    } else if (this.timer === null) {
      this.timer = setTimeout(() => this.tell(), EVERY_MS);
    }
  }

  async tell() {
    const count = this.tiles.size;
    let estimate = "";
    try {
      const answer = await fetch("waiting", { headers: { "X-Client": this.client } });
      const { seconds_each: each } = await answer.json();
      if (each) estimate = `, ${seconds(each * count)}`;
    } catch {
      estimate = ": the server does not answer";
    }
    if (this.timer === null) return;
    this.element.textContent = `Drawing ${count} map ${count === 1 ? "tile" : "tiles"}${estimate}`;
    this.element.hidden = false;
    this.timer = setTimeout(() => this.tell(), EVERY_MS);
  }
}
