// The listening page: start, stop, silence, a level, and what is played and why.

import { ask, streamAddress } from "/api.js";
import { Player } from "/player.js";

const LOOK_MS = 1000; // between looks at the session
const SOUNDING = 0.001; // -60 dBFS
const FALL_DB_S = 40; // of the level meter
const LOWEST_DB = -60;
const AUDIBLE_DB = -48; // of a stem's level
const PANIC_FADE_S = 0.02;
const SENSED = [[0.7, "clearly"], [0.4, "fairly well"], [0.15, "faintly"], [0, "hardly"]];
const DESCRIBED_IN = "/api/v1/sessions";

const $ = (id) => document.getElementById(id);
const joined = new URLSearchParams(location.search).get("session"); // a session that plays already

const playing = { id: null, mine: false, looking: null, minutes: null, pressed: 0 };
const meter = { db: [LOWEST_DB, LOWEST_DB], at: 0 };
let presets = [];

// What the page knows, for tests and the curious.
const known = { state: "idle", report: null, hello: null, firstBlockMs: null, firstAudioMs: null, reconnects: 0 };
window.isotone = known;

const player = new Player({ hello, report, over, state, refused });
known.player = player;

// -- before ------------------------------------------------------------------------------------------------------------

async function begin() {
  $("volume").value = stored("volume") ?? 70;
  player.setVolume(loudness($("volume").value));
  try {
    if (joined) await look(joined);
    else await choose();
    const who = await ask("GET", "/api/v1/whoami");
    $("sign-out").hidden = !who.sign_in;
    show("choice");
    trouble("");
  } catch (error) {
    if (error.status === 401) askWho();
    else trouble(error.message);
  }
}

async function choose() {
  presets = (await ask("GET", "/api/v1/presets")).presets;
  const last = stored("preset");
  $("preset").replaceChildren(...presets.map((preset) => new Option(preset.title, preset.name, false, preset.name === last)));
  describe();
  $("start").disabled = false;
}

async function look(id) {
  const session = await ask("GET", `${DESCRIBED_IN}/${encodeURIComponent(id)}`);
  $("choice-title").textContent = session.title;
  $("choose").hidden = true;
  for (const field of [$("preset"), $("minutes")]) field.disabled = true;
  $("summary").textContent = "This session is playing.";
  $("start").textContent = "Listen";
  $("start").disabled = ["finished", "failed"].includes(session.status);
  if ($("start").disabled) $("summary").textContent = "This session is over.";
}

function describe() {
  const preset = presets.find((one) => one.name === $("preset").value);
  if (!preset) return;
  $("summary").textContent = preset.summary;
  $("minutes").value = preset.minutes;
}

function askWho() {
  hush();
  $("choice").hidden = $("now").hidden = $("what").hidden = $("figures").hidden = $("sign-out").hidden = true;
  $("sign-in").hidden = false;
  trouble("");
  $("credential").focus();
}

async function signIn(event) {
  event.preventDefault();
  try {
    await ask("POST", "/api/v1/sign-in", { credential: $("credential").value.trim() });
    $("credential").value = "";
    $("sign-in").hidden = true;
    await begin();
    $("start").focus();
  } catch (error) {
    trouble(error.status === 401 ? "That key is not known here. Please check it." : error.message);
  }
}

async function signOut() {
  await ask("POST", "/api/v1/sign-out").catch(() => null);
  askWho();
}

// -- while it plays ----------------------------------------------------------------------------------------------------

async function start(event) {
  event.preventDefault();
  $("start").disabled = true;
  trouble("");
  Object.assign(known, { state: "starting", firstBlockMs: null, firstAudioMs: null, report: null, hello: null });
  playing.pressed = performance.now();
  state("waiting", "starting");
  try {
    const [started] = await Promise.all([joined ? { session_id: joined } : create(), player.prepare()]);
    playing.id = started.session_id;
    playing.mine = !joined;
    const path = `${DESCRIBED_IN}/${encodeURIComponent(playing.id)}`;
    await player.open(() => streamAddress(`${path}/audio`));
    show("now");
    follow(path);
    $("stop").focus();
  } catch (error) {
    state("idle", "not playing");
    known.state = "idle";
    $("start").disabled = false;
    if (error.status === 401) askWho();
    else trouble(error.message);
  }
}

async function create() {
  const preset = $("preset").value;
  store("preset", preset);
  const started = await ask("POST", DESCRIBED_IN, { preset, minutes: Number($("minutes").value) });
  why(started.reasons);
  return started;
}

function follow(path) {
  clearInterval(playing.looking);
  const once = () => ask("GET", path).then(tell).catch(() => null); // the connection's own state tells of trouble
  playing.looking = setInterval(once, LOOK_MS);
  once();
}

async function stop() {
  $("stop").disabled = true;
  if (!playing.mine) {
    leave("stopped listening");
    return;
  }
  known.state = "stopping";
  state("waiting", "fading out");
  try {
    await ask("POST", `${DESCRIBED_IN}/${encodeURIComponent(playing.id)}/stop`);
  } catch (error) {
    leave("stopped");
    trouble(error.message);
  }
}

// Silence here first, then there: whatever the network does, this page is silent within a fiftieth of a second.
async function panic() {
  if (!playing.id) return;
  const { id, mine } = playing;
  leave("silenced", PANIC_FADE_S);
  const path = `${DESCRIBED_IN}/${encodeURIComponent(id)}`;
  try {
    await ask("POST", `${path}/panic`);
    if (mine) await ask("POST", `${path}/stop`);
  } catch (error) {
    trouble(`It is silent here, but the session may go on elsewhere. ${error.message}`);
  }
}

function leave(words, seconds) {
  hush(seconds);
  known.state = "idle";
  state("idle", words);
  show("choice");
  $("start").disabled = false;
  $("start").focus();
}

function hush(seconds) {
  clearInterval(playing.looking);
  playing.id = null;
  player.close(seconds);
}

// -- what the player tells ---------------------------------------------------------------------------------------------

function hello(data) {
  known.hello = data;
  known.reconnects = player.reconnects;
  known.state = "playing";
}

function state(name, words) {
  $("connection").dataset.state = name;
  if ($("connection-words").textContent !== words) $("connection-words").textContent = words;
}

function report(data) {
  const at = performance.now();
  known.report = data;
  known.reportedMs = at;
  if (data.frame > 0 && known.firstBlockMs === null && data.soundedFrames) known.firstBlockMs = at - playing.pressed;
  const loudest = Math.max(...data.peaks);
  if (loudest > SOUNDING && known.firstAudioMs === null && playing.id) known.firstAudioMs = at - playing.pressed;
  const fall = (FALL_DB_S * Math.min(at - meter.at, 100)) / 1000;
  meter.at = at;
  meter.db = meter.db.map((db, side) => Math.max(decibels(data.peaks[side]), db - fall));
  known.meterDb = meter.db;
}

function over(hasBroken) {
  if (known.state === "idle") return;
  leave(hasBroken ? "failed" : "finished");
  if (hasBroken) trouble("The session has failed on the service. You can start another one.");
}

function refused(error) {
  leave("not playing");
  if (error.status === 401) askWho();
  else trouble(error.message);
}

// -- what is shown -----------------------------------------------------------------------------------------------------

function tell(session) {
  if (session.id !== playing.id) return;
  playing.minutes = session.minutes;
  $("now-title").textContent = session.title;
  $("clock").textContent = session.minutes ? `${clock(session.time_s)} of ${clock(60 * session.minutes)}` : clock(session.time_s);
  progress(session.minutes ? session.time_s / (60 * session.minutes) : null);
  $("phase").textContent = session.phase ? session.phase.replaceAll("_", " ") : "beginning";
  $("tempo").textContent = `${Math.round(session.beat.bpm)} bpm`;
  $("key").textContent = `${session.beat.key} ${session.beat.mode}`;
  $("confidence").textContent = sensed(session.state);
  stems(session);
  why(session.reasons);
  if (session.status === "resuming") state("waiting", "the session is being taken up again");
  if (session.status === "failed") {
    leave("failed");
    trouble(session.trouble || "The session has failed.");
  }
}

function progress(share) {
  $("progress").hidden = share === null;
  if (share === null) return;
  const percent = Math.min(100 * share, 100);
  $("progress").setAttribute("aria-valuenow", percent.toFixed(0));
  $("progress-bar").style.transform = `scaleX(${percent / 100})`;
}

function sensed(believed) {
  if (!believed) return "nothing yet";
  const [, word] = SENSED.find(([least]) => believed.confidence >= least);
  return `${word} (${Math.round(100 * believed.confidence)} %)`;
}

function stems(session) {
  const preset = presets.find((one) => one.name === session.preset);
  const names = session.stems.length ? session.stems : preset ? preset.stems : [];
  const heard = names.map((name) => ({ name, isOn: (session.controls[`level_${name}_db`] ?? 0) > AUDIBLE_DB }));
  list($("stems"), heard, (item, { name, isOn }) => {
    item.textContent = isOn ? name : `${name} (off)`;
    item.dataset.on = isOn;
  });
}

function why(reasons) {
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

function draw() {
  requestAnimationFrame(draw);
  if ($("now").hidden) return;
  for (const [side, id] of [[0, "left"], [1, "right"]]) {
    const share = Math.max(0, 1 - meter.db[side] / LOWEST_DB);
    $(id).style.transform = `scaleX(${share.toFixed(3)})`;
  }
}

function figures() {
  const data = known.report;
  if (!data || $("now").hidden) return;
  const db = Math.max(...meter.db);
  $("meter").setAttribute("aria-valuenow", db.toFixed(0));
  const words = db <= LOWEST_DB ? "silent" : `${db.toFixed(0).replace("-", "\u2212")} dB`;
  $("meter").setAttribute("aria-valuetext", words);
  $("level").textContent = words;
  $("buffer").textContent = `buffer ${Math.round(1000 * data.lyingS)} ms`;
  $("underruns").textContent = `${data.underruns} ${data.underruns === 1 ? "underrun" : "underruns"}`;
}

function show(part) {
  $("choice").hidden = part !== "choice";
  $("now").hidden = $("what").hidden = $("figures").hidden = part !== "now";
  $("stop").disabled = false;
}

function trouble(words) {
  $("trouble").textContent = words;
  $("trouble").hidden = !words;
}

const decibels = (level) => Math.max(20 * Math.log10(Math.max(level, 1e-6)), LOWEST_DB);
const loudness = (percent) => (percent / 100) ** 2;
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function stored(name) {
  try {
    return localStorage.getItem(`isotone.${name}`);
  } catch {
    return null; // not allowed here: then nothing is remembered
  }
}

function store(name, value) {
  try {
    localStorage.setItem(`isotone.${name}`, value);
  } catch {
    return;
  }
}

// -- hands -------------------------------------------------------------------------------------------------------------

$("choice").addEventListener("submit", start);
$("sign-in").addEventListener("submit", signIn);
$("sign-out").addEventListener("click", signOut);
$("stop").addEventListener("click", stop);
$("panic").addEventListener("click", panic);
$("preset").addEventListener("change", describe);
$("volume").addEventListener("input", () => {
  player.setVolume(loudness($("volume").value));
  store("volume", $("volume").value);
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape") panic();
});

setInterval(figures, 500);
requestAnimationFrame(draw);
begin();
