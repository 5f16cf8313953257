/** Talks to the server. Every failure becomes an Error with one sentence to show. */

/** Milliseconds after which a reply is taken for lost, and between one attempt and the next. */
const PATIENCE = 30000;
const PAUSE = 2000;

/** What a tunnel says while the server behind it is away. */
const AWAY = [502, 503, 504];

/** Of a request; only a file of points can be. */
const TOO_LARGE = 413;

/** No reply came, or not all of it: the server may or may not have done what was asked. */
class Unanswered extends Error {
  constructor() {
    super("The server does not answer; is it still running?");
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
async function send(path, options) {
  const response = await fetch(path, options).catch(() => null);
  if (!response || AWAY.includes(response.status)) throw new Unanswered();
  if (response.ok) return response;
  if (response.status === TOO_LARGE) throw new Error("That is more than the server takes at once; import it in parts.");
  const text = await response.text();
  let message = text;
  try {
    message = JSON.parse(text).error;
  } catch {
    // plain text is the message
  }
  throw new Error(message || `The server refused (${response.status}).`);
}

/** @param {string} path */
export async function get(path) {
  return (await send(path)).json();
}

/**
 * @param {string} path
 * @param {unknown} [body]
 * @param {AbortSignal} [signal]
 */
export async function post(path, body = null, signal) {
  const response = await send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  return response.json().catch(() => Promise.reject(new Unanswered()));
}

/**
 * Send the same until the server has taken or refused it. Only for what counts once however often it is sent.
 * @param {string} path
 * @param {unknown} body
 * @param {() => void} failed called after each attempt without a reply
 */
export async function insist(path, body, failed) {
  for (;;) {
    try {
      return await post(path, body, AbortSignal.timeout(PATIENCE));
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
    }
    failed();
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
export async function bytes(path, signal) {
  return (await send(path, { signal })).arrayBuffer();
}

/** Where a case's data are. @param {string} name */
export function caseUrl(name) {
  return `/api/cases/${encodeURIComponent(name)}`;
}

/** 32 hexadecimal digits: an answer sent twice counts once. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
