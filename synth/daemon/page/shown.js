// What a session is shown as, and what the browser keeps.

export const LOWEST_DB = -60;
const AUDIBLE_DB = -48; // of a stem's level
const SENSED = [[0.7, "clearly"], [0.4, "fairly well"], [0.15, "faintly"], [0, "hardly"]];

const $ = (id) => document.getElementById(id);

export const decibels = (level) => Math.max(20 * Math.log10(Math.max(level, 1e-6)), LOWEST_DB);
export const loudness = (percent) => (percent / 100) ** 2;
export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export function progress(share) {
  $("progress").hidden = share === null;
  if (share === null) return;
  const percent = Math.min(100 * share, 100);
  $("progress").setAttribute("aria-valuenow", percent.toFixed(0));
  $("progress-bar").style.transform = `scaleX(${percent / 100})`;
}

export function sensed(believed) {
  if (!believed) return "nothing yet";
  const [, word] = SENSED.find(([least]) => believed.confidence >= least);
  return `${word} (${Math.round(100 * believed.confidence)} %)`;
}

export function stems(session, presets) {
  const preset = presets.find((one) => one.name === session.preset);
  const names = session.stems.length ? session.stems : preset ? preset.stems : [];
  const heard = names.map((name) => ({ name, isOn: (session.controls[`level_${name}_db`] ?? 0) > AUDIBLE_DB }));
  list($("stems"), heard, (item, { name, isOn }) => {
    item.textContent = isOn ? name : `${name} (off)`;
    item.dataset.on = isOn;
  });
}

export function why(reasons) {
  list($("reasons"), reasons.length ? reasons : ["It follows the session's own plan."], (item, words) => {
    item.textContent = words;
  });
}

// Changes only what differs, so that a screen reader is not told the same again.
function list(parent, things, fill) {
  const words = JSON.stringify(things);
  if (parent.dataset.words === words) return;
  parent.dataset.words = words;
  parent.replaceChildren(
    ...things.map((thing) => {
      const item = document.createElement("li");
      fill(item, thing);
      return item;
    }),
  );
}

export function stored(name, place = "localStorage") {
  try {
    return window[place].getItem(`isotone.${name}`);
  } catch {
    return null; // not allowed here: then nothing is remembered
  }
}

// `value` null: forget it.
export function store(name, value, place = "localStorage") {
  try {
    if (value === null) window[place].removeItem(`isotone.${name}`);
    else window[place].setItem(`isotone.${name}`, value);
  } catch {
    return;
  }
}
