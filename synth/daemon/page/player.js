// The sound of the page: an AudioContext with the worklet, fed by a socket that is opened again when it breaks.

const RATE = 48000; // asked of the context; the worklet copes with any
const AGAIN_S = [0.25, 0.5, 1, 2, 4]; // between tries to connect
const FINISHED = 1000;
const BROKEN = 1011;
const CLOSE_FADE_S = 0.3;

export class Player {
  // `on.hello`, `on.report`, `on.over(hasBroken)`, `on.state(state, words)`: "waiting", "playing" or "lost"; `on.refused(error)`
  // when the address cannot be had and trying again will not help.
  constructor(on) {
    this.on = on;
    this.context = null;
    this.volume = 0.7;
    this.address = null;
    this.tries = 0;
    this.reconnects = 0;
    this.isConnected = false;
  }

  // To be called while a press of a button is answered: before, browsers let nothing sound.
  async prepare() {
    if (this.context) {
      await this.context.resume();
      return;
    }
    const context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.context = context;
    context.onstatechange = () => {
      if (this.address && context.state !== "running") this.on.state("lost", "the browser has paused the sound");
      else if (this.address) this.on.state("playing", "connected");
    };
    document.addEventListener("visibilitychange", () => this.address && context.resume());
    try {
      await context.audioWorklet.addModule("/worklet.js");
    } catch (error) {
      this.context = null;
      context.close();
      throw error;
    }
    this.node = new AudioWorkletNode(context, "isotone-player", { numberOfInputs: 0, outputChannelCount: [2] });
    this.node.port.onmessage = ({ data }) => this.heard(data);
    this.gain = new GainNode(context, { gain: this.volume });
    this.node.connect(this.gain).connect(context.destination);
    this.socket = new Worker("/socket.js");
    this.socket.onmessage = ({ data }) => this.told(data);
    await context.resume();
  }

  // Play what comes from `address`, an async function that gives a URL (good for one time).
  open(address) {
    this.address = address;
    this.tries = 0;
    this.isConnected = false;
    this.fade(1, 0.02);
    return this.connect();
  }

  async connect() {
    const address = this.address;
    let url;
    this.on.state("waiting", this.tries ? "connecting again" : "connecting");
    try {
      url = await address();
    } catch (error) {
      if (address !== this.address) return;
      if (error.status && error.status < 500 && error.status !== 429) {
        this.address = null;
        this.on.refused(error);
      } else this.again();
      return;
    }
    if (address !== this.address) return;
    const { port1, port2 } = new MessageChannel();
    this.node.port.postMessage({ type: "port", port: port1 }, [port1]);
    this.socket.postMessage({ type: "open", url, port: port2 }, [port2]);
  }

  // Go on over a new connection, without a gap: who listens has signed in again.
  async renew() {
    const address = this.address;
    const url = await address();
    if (address === this.address) this.socket.postMessage({ type: "renew", url });
  }

  again() {
    const address = this.address;
    const seconds = AGAIN_S[Math.min(this.tries++, AGAIN_S.length - 1)];
    this.on.state("lost", "connection lost, trying again");
    setTimeout(() => address === this.address && this.connect(), 1000 * seconds);
  }

  told(data) {
    if (!this.address) return;
    if (data.type === "hello") {
      if (this.tries) this.reconnects++;
      this.tries = 0;
      this.isConnected = true;
      this.node.port.postMessage(data);
      this.on.hello(data);
      this.on.state("playing", "connected");
    } else if (data.type === "end" && (data.code === FINISHED || data.code === BROKEN)) {
      this.address = null;
      this.hasBroken = data.code === BROKEN;
      this.node.port.postMessage({ type: "end" });
    } else if (data.type === "closed") {
      this.isConnected = false;
      this.again();
    }
  }

  heard(data) {
    if (data.type === "report") this.on.report(data);
    else if (data.type === "over") this.on.over(this.hasBroken);
  }

  fade(to, seconds) {
    if (this.node) this.node.port.postMessage({ type: "fade", to, seconds });
  }

  setVolume(volume) {
    this.volume = volume;
    if (this.gain) this.gain.gain.setTargetAtTime(volume, this.context.currentTime, 0.02);
  }

  // Fade out, and let go of the connection.
  close(seconds = CLOSE_FADE_S) {
    this.address = null;
    this.fade(0, seconds);
    setTimeout(() => {
      if (this.address) return;
      if (this.socket) this.socket.postMessage({ type: "close" });
      if (this.node) this.node.port.postMessage({ type: "empty" });
    }, 1000 * seconds + 100);
  }

  // From the worklet's output to the ear, as far as the browser knows.
  get outputLatencyS() {
    return this.context ? (this.context.outputLatency || 0) + (this.context.baseLatency || 0) : 0;
  }
}
