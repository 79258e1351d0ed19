// The page: a map of one image, its controls, and what it says of itself.

import { ask, query, styleOf, tileZoom } from "./images.js";
import { readPlace } from "./place.js";
import { Progress } from "./progress.js";
import { Swipe } from "./swipe.js";
import { metres } from "./words.js";

const byId = (id) => document.getElementById(id);
const CLIENT = crypto.getRandomValues(new Uint32Array(2)).join("-");

const REASONS = {
  0: "The server does not answer",
  404: "The server shows another version by now: load the page again",
  413: "This would take too long to draw: zoom in",
  503: "The server is busy: move the map to ask again",
};

// What the address says behind the #: where the map is is MapLibre's own part of it.
const said = new URLSearchParams(location.hash.slice(1));
const settings = await ask(`settings.json?${query({ seed: said.get("seed") })}`).catch(() => ask("settings.json"));
const image = { seed: settings.seed, level: levelOrNone(said.get("level")) };
const progress = new Progress(byId("progress"), CLIENT);
const busy = new Set();
const swipe = new Swipe(makeMap);
let popup = null;
const map = makeMap("left", image, { hash: "map", ...firstView() });
map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
map.addControl(new maplibregl.ScaleControl(), "bottom-right");

fillIn();
connect();
tellLevel();

function levelOrNone(text) {
  return settings.levels.some(({ level }) => String(level) === text) ? text : "";
}

function firstView() {
  const [west, south, east, north] = settings.bounds;
  if (east - west >= 350) return { center: [10, 25], zoom: 1.4 };
  return { bounds: [west, Math.max(south, -85), east, Math.min(north, 85)], fitBoundsOptions: { padding: 48 } };
}

function makeMap(container, shownImage, options) {
  const made = new maplibregl.Map({
    container,
    style: styleOf(shownImage),
    minZoom: Math.max(0, settings.minzoom - 1),
    maxZoom: settings.maxzoom + 1,
    maxPitch: 0,
    dragRotate: false,
    attributionControl: false,
    transformRequest: (url, kind) => (kind === "Tile" ? { url, headers: { "X-Client": CLIENT } } : { url }),
    ...options,
  });
  progress.watch(made);
  made.on("dataloading", () => isBusy(made, true));
  for (const name of ["idle", "remove"]) made.on(name, () => isBusy(made, false));
  made.on("error", ({ error }) => say(REASONS[error.status] ?? error.message));
  return made;
}

// Whether every map shows all of its tiles stands in the document, for programs that take pictures of it.
function isBusy(which, now) {
  if (now) busy.add(which);
  else busy.delete(which);
  document.body.dataset.state = busy.size ? "drawing" : "complete";
}

function say(text) {
  byId("message").textContent = text;
}

function fillIn() {
  byId("name").textContent = settings.name;
  document.title = `${settings.name}, synthetic`;
  byId("notice").title = settings.synthetic;
  for (const { level, gsd_m: gsd } of settings.levels) {
    byId("level").append(new Option(gsd ? `${level}, ${metres(gsd)} per pixel` : String(level), level));
  }
  byId("level").value = image.level;
  byId("seed").value = image.seed;
  byId("other").value = image.seed + 1;
  const isStore = settings.kind === "store";
  byId("seeds").hidden = isStore;
  byId("compare").querySelector("[value=seed]").disabled = isStore;
  byId("compare").querySelector("[value=root]").disabled = !settings.levels.some(({ real }) => real);
}

function connect() {
  byId("go").addEventListener("submit", (event) => {
    event.preventDefault();
    const place = readPlace(byId("place").value);
    if (!place) return say("Write a latitude and a longitude, such as 46.2, 7.3 or 46°12'N 7°18'E");
    say("");
    map.jumpTo({ center: [place.lon, place.lat], zoom: Math.max(map.getZoom(), 7) });
  });
  byId("level").addEventListener("change", ({ target }) => show({ level: target.value }));
  byId("seed").addEventListener("change", ({ target }) => target.checkValidity() && show({ seed: target.value }));
  byId("another").addEventListener("click", () => {
    byId("seed").value = crypto.getRandomValues(new Uint32Array(1))[0] % 100000;
    show({ seed: byId("seed").value });
  });
  byId("compare").addEventListener("change", compare);
  byId("other").addEventListener("change", compare);
  byId("download").addEventListener("click", download);
  byId("globe").addEventListener("click", toggleGlobe);
  map.on("moveend", tellLevel);
  map.on("click", tellPixel);
}

function show(change) {
  Object.assign(image, change);
  say("");
  map.setStyle(styleOf(image), { diff: false });
  const address = new URLSearchParams(location.hash.slice(1));
  for (const key of ["seed", "level"]) {
    if (image[key] === "" || (key === "seed" && image[key] === settings.seed)) address.delete(key);
    else address.set(key, image[key]);
  }
  history.replaceState(null, "", `#${decodeURIComponent(address)}`);
  tellLevel();
  if (swipe.isOpen) compare();
}

function compare() {
  const kind = byId("compare").value;
  byId("other-row").hidden = kind !== "seed";
  if (!kind) return swipe.close();
  const other = kind === "root" ? { seed: image.seed, level: 0 } : { seed: byId("other").value, level: image.level };
  const name = kind === "root" ? "the root raster" : `seed ${other.seed}`;
  swipe.open(map, other, [`seed ${image.seed}`, name]);
  swipe.image = other;
}

function here(shownImage, { lng, lat }) {
  const words = query(shownImage);
  words.set("lon", lng.toFixed(9));
  words.set("lat", lat.toFixed(9));
  if (!words.has("level")) words.set("z", tileZoom(map.getZoom(), settings));
  return words;
}

async function levelShown() {
  if (image.level !== "") return Number(image.level);
  return (await ask(`level?${here(image, map.getCenter().wrap())}`)).level;
}

async function tellLevel() {
  try {
    const level = await levelShown();
    const { gsd_m: gsd } = settings.levels.find((known) => known.level === level);
    byId("shown").textContent = `Level ${level}${gsd ? `, ${metres(gsd)} per pixel` : ""}`;
  } catch {
    byId("shown").textContent = "";
  }
}

async function tellPixel({ lngLat, originalEvent }) {
  const [clicked, on] = swipe.isRight(originalEvent.clientX) ? [swipe.image, swipe.map] : [image, map];
  popup?.remove();
  popup = new maplibregl.Popup({ maxWidth: "300px" }).setLngLat(lngLat).setText("Reading ...").addTo(on);
  const mine = popup;
  try {
    mine.setDOMContent(facts(await ask(`info?${here(clicked, lngLat.wrap())}`)));
  } catch (error) {
    mine.setText(error.message);
  }
}

function facts(told) {
  const tiles = told.tiles.map((tile) => `(${tile.join(", ")})`).join(" ");
  const rows = [
    ["place", `${told.lat.toFixed(6)}, ${told.lon.toFixed(6)}`],
    ["level", told.gsd_m ? `${told.level}, ${metres(told.gsd_m)} per pixel` : told.level],
    ["row, column", `${told.row}, ${told.column}`],
    [told.bands.join(", "), told.values.join(", ")],
    ["evaluations", told.tiles.length ? `${told.evaluations}, parents included` : "none: read, not drawn"],
    ["tiles", tiles || "none"],
    ["seed", told.seed],
    ["token", told.token],
  ];
  const list = document.createElement("dl");
  list.className = "facts";
  for (const [name, value] of rows) {
    const [term, told_] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    told_.textContent = value;
    list.append(term, told_);
  }
  return list;
}

async function download() {
  const button = byId("download");
  button.disabled = true;
  say("Drawing the view ...");
  try {
    const level = await levelShown();
    const view = map.getBounds();
    const [west, east] = [view.getWest(), view.getEast()];
    const shift = 360 * Math.floor((west + 180) / 360);
    const wide = east - west >= 360;
    const sides = wide ? [-180, 180] : [west - shift, east - shift];
    const [south, north] = [Math.max(view.getSouth(), -90), Math.min(view.getNorth(), 90)];
    const words = query({ seed: image.seed, level });
    words.set("bounds", [sides[0], south, sides[1], north].map((side) => side.toFixed(9)).join(","));
    const answer = await fetch(`view.tif?${words}`, { headers: { "X-Client": CLIENT } });
    if (!answer.ok) throw new Error((await answer.json()).error);
    save(await answer.blob(), /filename="(.+)"/.exec(answer.headers.get("Content-Disposition"))[1]);
    say("");
  } catch (error) {
    say(error.message);
  }
  button.disabled = false;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function toggleGlobe() {
  const round = byId("globe").getAttribute("aria-pressed") !== "true";
  if (round && swipe.isOpen) return say("The globe shows one image: compare with nothing first");
  byId("globe").setAttribute("aria-pressed", String(round));
  map.setProjection({ type: round ? "globe" : "mercator" });
}
