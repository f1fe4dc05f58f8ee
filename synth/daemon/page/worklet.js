// Plays what comes, some milliseconds after it came. Blocks lie in a ring until then; how long they lie follows from how
// steadily they come. Sound card and server each have a clock of their own: what lies there too long is read a little
// faster, at most 2 in 1000 (3.5 cents), and with a crossfade past what is far too much. Runs on the audio thread.

const TAPS = 16; // of the filter that reads between samples
const PHASES = 512;
const RING = 1 << 17; // frames: 2.7 s at 48 kHz
const HEADER_BYTES = 16;
const S16_SCALE = 1 / 32768;
const FADE_FRAMES = 128; // where sound breaks off or starts again without notice
const LEAST_S = 0.02; // that must be left when a block comes: with blocks of 40 ms, 40 ms lie there on average
const MOST_S = 0.25;
const GROWTH = 1.5; // of what must be left, at each underrun
const LEAST_GROWTH_S = 0.01;
const SHRINK_S = 0.002; // after each calm stretch
const CALM_S = 10;
const WINDOW_S = 0.5; // in which the least is looked for
const TIGHT_S = 0.003; // error that is let be
const PULL = 0.05; // of the error, made up for in a second
const MOST_PULL = 0.002;
const FAR_S = 0.05; // error that is crossfaded past
const FAR_EARLY_S = 0.01; // and while a stream has just begun
const EARLY_S = 2;
const CROSSFADE_S = 0.03;
const REPORT_FRAMES = 1024;

// Windowed sinc (Blackman), one row of taps a phase, each row summing to 1.
function filters() {
  const rows = new Float32Array((PHASES + 1) * TAPS);
  for (let phase = 0; phase <= PHASES; phase++) {
    let sum = 0;
    for (let tap = 0; tap < TAPS; tap++) {
      const x = tap - (TAPS / 2 - 1) - phase / PHASES;
      const place = (x + TAPS / 2) / TAPS;
      const window = 0.42 - 0.5 * Math.cos(2 * Math.PI * place) + 0.08 * Math.cos(4 * Math.PI * place);
      const value = (Math.abs(x) < 1e-9 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)) * Math.max(window, 0);
      rows[phase * TAPS + tap] = value;
      sum += value;
    }
    for (let tap = 0; tap < TAPS; tap++) rows[phase * TAPS + tap] /= sum;
  }
  return rows;
}

const FILTERS = filters();

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.left = new Float32Array(RING);
    this.right = new Float32Array(RING);
    this.rate = sampleRate;
    this.format = "s16";
    this.margin = LEAST_S;
    this.underruns = this.jumps = this.missed = this.early = 0;
    this.energy = [0, 0];
    this.soundedFrames = 0;
    this.fader = { value: 1, goal: 1, step: 0 };
    this.forget();
    this.clearReport();
    this.port.onmessage = ({ data }) => this.told(data);
  }

  // Begin anew, with an empty ring.
  forget() {
    this.written = TAPS; // a little silence before the first frame, for the filter to stand on
    this.read = TAPS;
    this.left.fill(0);
    this.right.fill(0);
    this.expected = null; // session frame that should come next
    this.offset = 0; // from a place in the ring to a frame of the session
    this.begun = this.soundedFrames;
    this.state = "empty"; // empty, gathering, playing, starving, over
    this.gain = 0;
    this.pull = 0;
    this.wait = 0;
    this.other = null; // where a crossfade leads
    this.ending = false;
    this.least = Infinity;
    this.windowEnd = currentTime + WINDOW_S;
    this.calmEnd = currentTime + CALM_S;
    this.tightest = Infinity;
  }

  told(data) {
    if (data.type === "port") {
      if (this.source) this.source.close();
      this.source = data.port;
      this.source.onmessage = ({ data }) => this.take(data);
    } else if (data.type === "hello") {
      this.forget();
      this.rate = data.sample_rate;
      this.format = data.format;
    } else if (data.type === "fade") {
      const frames = Math.max(data.seconds * sampleRate, 1);
      this.fader = { value: this.fader.value, goal: data.to, step: (data.to - this.fader.value) / frames };
    } else if (data.type === "end") this.ending = true;
    else if (data.type === "empty") this.forget();
  }

  // -- what comes ---------------------------------------------------------------------------------------------------

  take(bytes) {
    if (this.expected === null && this.state !== "empty") return;
    const head = new DataView(bytes, 0, HEADER_BYTES);
    const first = Number(head.getBigUint64(0, true));
    const samples = this.format === "f32" ? new Float32Array(bytes, HEADER_BYTES) : new Int16Array(bytes, HEADER_BYTES);
    const frames = samples.length >> 1;
    const isGap = this.expected !== null && first !== this.expected;
    if (isGap) {
      this.missed += Math.max(first - this.expected, 0);
      this.fadeTail();
    }
    if (this.written + frames - this.read > RING - TAPS) this.read = this.written - 1; // asleep for long
    this.put(samples, frames, this.format === "f32" ? 1 : S16_SCALE, isGap || this.expected === null);
    this.offset = first + frames - this.written;
    this.expected = first + frames;
    if (this.state === "empty") {
      this.state = "gathering";
      this.wait = Math.round(this.margin * sampleRate);
    }
  }

  put(samples, frames, scale, fadeIn) {
    for (let i = 0; i < frames; i++) {
      const at = (this.written + i) & (RING - 1);
      const gain = fadeIn && i < FADE_FRAMES ? (scale * i) / FADE_FRAMES : scale;
      this.left[at] = samples[2 * i] * gain;
      this.right[at] = samples[2 * i + 1] * gain;
    }
    this.written += frames;
  }

  // What was to go on does not: let it end softly, as far as it was not heard.
  fadeTail() {
    for (let i = 1; i <= FADE_FRAMES && this.written - i > this.read; i++) {
      const at = (this.written - i) & (RING - 1);
      this.left[at] *= (i - 1) / FADE_FRAMES;
      this.right[at] *= (i - 1) / FADE_FRAMES;
    }
  }

  // -- what goes out ------------------------------------------------------------------------------------------------

  process(inputs, outputs) {
    const [left, right] = outputs[0];
    if (this.state === "gathering") {
      this.wait -= left.length;
      if (this.wait <= 0) this.state = "playing";
    } else if (this.state === "playing" || this.state === "starving") this.play(left, right);
    this.measure(left, right);
    return true;
  }

  play(left, right) {
    const step = (this.rate / sampleRate) * (1 + this.pull);
    const need = left.length * step + TAPS / 2;
    const lying = this.written - this.read;
    this.watch((lying - left.length * step) / this.rate);
    if (this.state === "playing" && lying < need + FADE_FRAMES * step) this.starve();
    const slope = (this.state === "starving" ? -1 : 1) / FADE_FRAMES;
    for (let i = 0; i < left.length; i++) {
      this.gain = Math.min(Math.max(this.gain + slope, 0), 1);
      if (this.fader.value !== this.fader.goal) this.moveFader();
      const gain = this.gain * this.fader.value;
      if (gain > 0 && this.read + TAPS / 2 < this.written) {
        left[i] = gain * this.sample(this.left, this.read);
        right[i] = gain * this.sample(this.right, this.read);
        if (this.other) this.crossfade(left, right, i, gain, step);
        this.soundedFrames++;
        this.read += step;
      }
    }
    if (this.state === "starving" && this.gain === 0) this.gather();
  }

  sample(ring, at) {
    const whole = Math.floor(at);
    const place = (at - whole) * PHASES;
    const row = Math.floor(place);
    if (place === 0) return ring[whole & (RING - 1)];
    const between = place - row;
    const first = whole - (TAPS / 2 - 1);
    let sum = 0;
    for (let tap = 0, f = row * TAPS; tap < TAPS; tap++, f++) {
      const weight = FILTERS[f] + between * (FILTERS[f + TAPS] - FILTERS[f]);
      sum += weight * ring[(first + tap) & (RING - 1)];
    }
    return sum;
  }

  moveFader() {
    const fader = this.fader;
    fader.value += fader.step;
    if ((fader.step > 0) === (fader.value >= fader.goal) || fader.step === 0) fader.value = fader.goal;
  }

  // -- how much lies there ------------------------------------------------------------------------------------------

  watch(leftS) {
    this.least = Math.min(this.least, leftS);
    this.tightest = Math.min(this.tightest, leftS);
    if (currentTime >= this.windowEnd) {
      this.steer(this.least - this.margin);
      this.least = Infinity;
      this.windowEnd = currentTime + WINDOW_S;
    }
    if (currentTime >= this.calmEnd) {
      if (this.tightest > LEAST_S / 2) this.margin = Math.max(this.margin - SHRINK_S, LEAST_S);
      this.tightest = Infinity;
      this.calmEnd = currentTime + CALM_S;
    }
  }

  steer(errorS) {
    const far = this.soundedFrames < this.begun + EARLY_S * sampleRate ? FAR_EARLY_S : FAR_S;
    if (errorS > far && !this.other && !this.ending) {
      const frames = Math.round(errorS * this.rate);
      this.other = { read: this.read + frames, done: 0, length: Math.round(CROSSFADE_S * sampleRate) };
      this.jumps++;
      this.early += frames;
      this.pull = 0;
    } else if (Math.abs(errorS) < TIGHT_S) this.pull = 0;
    else this.pull = Math.min(Math.max(PULL * errorS, -MOST_PULL), MOST_PULL);
  }

  // Equal power, as what lies a tenth of a second apart has little in common.
  crossfade(left, right, i, gain, step) {
    const other = this.other;
    const angle = ((Math.PI / 2) * other.done) / other.length;
    const away = Math.cos(angle);
    const towards = gain * Math.sin(angle);
    left[i] = left[i] * away + towards * this.sample(this.left, other.read);
    right[i] = right[i] * away + towards * this.sample(this.right, other.read);
    other.read += step;
    if (++other.done >= other.length) {
      this.read = other.read - step;
      this.other = null;
    }
  }

  starve() {
    this.state = "starving";
    this.other = null;
    if (this.ending) return;
    this.underruns++;
    this.margin = Math.min(Math.max(this.margin * GROWTH, this.margin + LEAST_GROWTH_S), MOST_S);
    this.calmEnd = currentTime + CALM_S;
  }

  // Silent now. What has come meanwhile, or comes next, begins after the margin.
  gather() {
    this.pull = 0;
    this.least = Infinity;
    this.windowEnd = currentTime + WINDOW_S;
    if (this.ending) {
      this.state = "over";
      this.port.postMessage({ type: "over" });
    } else if (this.written - this.read > FADE_FRAMES + TAPS) {
      this.state = "gathering";
      this.wait = Math.round(this.margin * sampleRate);
    } else {
      this.read = this.written;
      this.state = "empty";
    }
  }

  // -- what is told of it -------------------------------------------------------------------------------------------

  clearReport() {
    this.frames = 0;
    this.peaks = [0, 0];
    this.squares = [0, 0];
  }

  measure(left, right) {
    for (let i = 0; i < left.length; i++) {
      this.peaks[0] = Math.max(this.peaks[0], Math.abs(left[i]));
      this.peaks[1] = Math.max(this.peaks[1], Math.abs(right[i]));
      this.squares[0] += left[i] * left[i];
      this.squares[1] += right[i] * right[i];
    }
    this.frames += left.length;
    if (this.frames >= REPORT_FRAMES) this.report();
  }

  report() {
    this.energy[0] += this.squares[0];
    this.energy[1] += this.squares[1];
    this.port.postMessage({
      type: "report",
      time: currentTime,
      state: this.state,
      peaks: this.peaks,
      rms: this.squares.map((sum) => Math.sqrt(sum / this.frames)),
      energy: [...this.energy],
      soundedFrames: this.soundedFrames,
      frame: Math.floor(this.read + this.offset),
      lyingS: (this.written - this.read) / this.rate,
      marginS: this.margin,
      pull: this.pull,
      underruns: this.underruns,
      jumps: this.jumps,
      missedFrames: this.missed,
      passedFrames: this.early,
    });
    this.clearReport();
  }
}

registerProcessor("isotone-player", Player);
