// Receives the audio in a thread of its own, so that nothing the page draws can hold it up, and hands it straight to the
// worklet through a port. What is not audio goes to the page.
let socket = null;
let sound = null;

onmessage = ({ data }) => {
  if (data.type === "open") open(data.url, data.port);
  else if (data.type === "close") close();
};

function open(url, port) {
  close();
  sound = port;
  const mine = new WebSocket(url);
  socket = mine;
  mine.binaryType = "arraybuffer";
  mine.onmessage = ({ data }) => {
    if (mine !== socket) return;
    if (typeof data === "string") postMessage(JSON.parse(data));
    else sound.postMessage(data, [data]);
  };
  mine.onclose = ({ code, reason }) => {
    if (mine !== socket) return;
    socket = null;
    postMessage({ type: "closed", code, reason });
  };
}

function close() {
  const old = socket;
  socket = null;
  if (old) old.close();
}
