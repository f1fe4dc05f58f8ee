// Receives the audio in a thread of its own, so that nothing the page draws can hold it up, and hands it straight to the
// worklet through a port. What is not audio goes to the page.
let socket = null;
let coming = null; // a connection that is to take over from `socket`
let sound = null;
let last = -1; // session frame that the newest block begins with
let skip = -1; // up to which blocks were heard over the connection before

onmessage = ({ data }) => {
  if (data.type === "open") open(data.url, data.port);
  else if (data.type === "renew") renew(data.url);
  else if (data.type === "close") close();
};

function open(url, port) {
  close();
  sound = port;
  last = skip = -1;
  socket = connection(url);
}

// Where nothing is connected, the page is about to open it anew.
function renew(url) {
  if (!socket) return;
  if (coming) coming.close();
  coming = connection(url);
}

function connection(url) {
  const mine = new WebSocket(url);
  mine.binaryType = "arraybuffer";
  mine.onmessage = ({ data }) => {
    if (mine === coming && typeof data !== "string") takeOver();
    if (mine !== socket) return;
    if (typeof data === "string") postMessage(JSON.parse(data));
    else hand(data);
  };
  mine.onclose = ({ code, reason }) => {
    if (mine === coming) coming = null;
    if (mine !== socket) return;
    socket = null;
    postMessage({ type: "closed", code, reason });
  };
  return mine;
}

// It begins with the block that was sent last before it, so that nothing is missed between the two.
function takeOver() {
  const old = socket;
  socket = coming;
  coming = null;
  skip = last;
  old.close();
}

function hand(block) {
  const first = Number(new DataView(block).getBigUint64(0, true));
  if (first <= skip) return;
  skip = -1;
  last = first;
  sound.postMessage(block, [block]);
}

function close() {
  const all = [socket, coming];
  socket = coming = null;
  for (const one of all) if (one) one.close();
}
