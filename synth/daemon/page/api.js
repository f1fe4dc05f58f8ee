// Asks the service, and says in words what it answered.

export class Refusal extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

export const service = { aheadMs: 0 }; // its clock, before this machine's

const WORDS = {
  0: "The service does not answer. Is it running, and are you online?",
  401: "Please sign in.",
  403: "Your key does not allow this.",
  404: "There is no such session any more.",
  429: "That was too often. Please wait a moment.",
};

// The answer to `method path`, parsed. A Refusal tells what went wrong; its status is 0 where nothing answered.
export async function ask(method, path, body) {
  const headers = { "X-Requested-With": "isotone" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refusal(0, WORDS[0]);
  }
  service.aheadMs = Date.parse(response.headers.get("date")) - Date.now() || 0;
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw new Refusal(response.status, words(response.status, answer));
}

function words(status, answer) {
  const errors = ((answer && answer.errors) || []).map((error) => error.what);
  const detail = [answer && answer.detail, ...errors].filter(Boolean).join(": ");
  if (status === 401 || status === 404) return WORDS[status];
  return detail ? detail[0].toUpperCase() + detail.slice(1) + "." : WORDS[status] || `The service answered ${status}.`;
}

// The address of a stream, with a ticket that is good for it once.
export async function streamAddress(path) {
  const { ticket } = await ask("POST", "/api/v1/tickets", { path, role: "listener" });
  const url = new URL(`${path}?ticket=${encodeURIComponent(ticket)}`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
