// The listening page: start, stop, silence, a level, and what is played and why.

import { ask, service, streamAddress } from "/api.js";
import { Player } from "/player.js";
import { LOWEST_DB, clock, decibels, loudness, progress, sensed, stems, store, stored, why } from "/shown.js";

const LOOK_MS = 1000; // between looks at the session
const SOUNDING = 0.001; // -60 dBFS
const FALL_DB_S = 40; // of the level meter
const PANIC_FADE_S = 0.02;
const DESCRIBED_IN = "/api/v1/sessions";
const OVER = ["finished", "failed"];
const LAST_HOUR_MS = 3600e3; // in which who has signed in again is reminded again
const WHO = "This service asks who is calling. Your key was given to you by whoever runs it.";

const $ = (id) => document.getElementById(id);
const joined = new URLSearchParams(location.search).get("session"); // a session that plays already

const playing = { id: null, mine: false, looking: null, minutes: null, pressed: 0 };
const signed = { untilMs: null, again: false }; // by the service's clock
let begun = null; // by this page, before it was loaded again
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
    let isOver = false;
    if (joined) isOver = await look(joined);
    else {
      await choose();
      await goOn();
    }
    await whoIsIt();
    show("choice");
    $("start").disabled = isOver;
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
}

// Offers the session `id`; whether it is over.
async function look(id) {
  const session = await ask("GET", `${DESCRIBED_IN}/${encodeURIComponent(id)}`);
  offer(session, "This session is playing.", "Listen");
  const isOver = OVER.includes(session.status);
  if (isOver) $("summary").textContent = "This session is over.";
  return isOver;
}

// Offers the session that this page began before it was loaded again, as long as it plays.
async function goOn() {
  const id = stored("session", "sessionStorage");
  if (!id) return;
  const session = await ask("GET", `${DESCRIBED_IN}/${encodeURIComponent(id)}`).catch((error) => {
    if (![403, 404].includes(error.status)) throw error;
    return null;
  });
  if (!session || OVER.includes(session.status)) {
    forget();
    return;
  }
  begun = id;
  offer(session, "Your session is still playing.", "Go on listening");
}

// A session to be heard; null: one to be chosen.
function offer(session, words, press) {
  $("choice-title").textContent = session ? session.title : "What would you like?";
  $("choose").hidden = Boolean(session);
  for (const field of [$("preset"), $("minutes")]) field.disabled = Boolean(session);
  $("start").textContent = press;
  if (session) $("summary").textContent = words;
  else describe();
}

async function whoIsIt() {
  const who = await ask("GET", "/api/v1/whoami");
  signed.untilMs = who.expires ? Date.parse(who.expires) : null;
  $("sign-out").hidden = !who.sign_in;
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
  $("sign-in-words").textContent = WHO;
  $("sign-in").hidden = false;
  trouble("");
  $("credential").focus();
}

// Asks to sign in again where that ends before the session does; it plays on meanwhile.
function remind(session) {
  const leftMs = signed.untilMs === null ? Infinity : signed.untilMs - Date.now() - service.aheadMs;
  const restMs = session.minutes ? 1000 * (60 * session.minutes - session.time_s) : Infinity;
  if (!$("sign-in").hidden || leftMs >= restMs || (signed.again && leftMs > LAST_HOUR_MS)) return;
  const at = new Date(Date.now() + leftMs).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  $("sign-in-words").textContent = `Your sign-in ends at ${at}, before this session. Sign in again to hear it on.`;
  $("sign-in").hidden = false;
}

async function signIn(event) {
  event.preventDefault();
  try {
    await ask("POST", "/api/v1/sign-in", { credential: $("credential").value.trim() });
    $("credential").value = "";
    const plays = Boolean(playing.id);
    if (plays) await whoIsIt();
    $("sign-in").hidden = true;
    signed.again = plays;
    if (plays) trouble("");
    await (plays ? player.renew() : begin());
    $(plays ? "stop" : "start").focus();
  } catch (error) {
    trouble(error.status === 401 ? "That key is not known here. Please check it." : error.message);
  }
}

async function signOut() {
  await ask("POST", "/api/v1/sign-out").catch(() => null);
  forget();
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
    const id = joined || begun;
    const [started] = await Promise.all([id ? { session_id: id } : create(), player.prepare()]);
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
  const started = await ask("POST", DESCRIBED_IN, { preset, minutes: Number($("minutes").value), end_when_left: true });
  store("session", started.session_id, "sessionStorage");
  why(started.reasons);
  return started;
}

function follow(path) {
  clearInterval(playing.looking);
  const once = () => ask("GET", path).then(tell).catch(untold);
  playing.looking = setInterval(once, LOOK_MS);
  once();
}

// The connection's own state tells of trouble.
function untold(error) {
  if (error.status === 404 && playing.id && !player.isConnected) leave("finished");
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
  forget();
  known.state = "idle";
  state("idle", words);
  $("sign-in").hidden = true;
  show("choice");
  $("start").disabled = false;
  $("start").focus();
}

// The session is over, or no longer this page's: the next one is chosen.
function forget() {
  store("session", null, "sessionStorage");
  if (begun) offer(null, "", "Start");
  begun = null;
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
  if (error.status === 401) {
    known.state = "idle";
    state("idle", "not playing");
    askWho(); // and then it goes on
  } else {
    leave("not playing");
    trouble(error.message);
  }
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
  stems(session, presets);
  why(session.reasons);
  if (session.status === "resuming") state("waiting", "the session is being taken up again");
  remind(session);
  if (session.status === "finished" && !player.isConnected) leave("finished"); // while nobody here could hear it end
  if (session.status === "failed") {
    leave("failed");
    trouble(session.trouble || "The session has failed.");
  }
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
