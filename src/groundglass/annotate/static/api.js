/** Talks to the server. Every failure becomes an Error with one sentence to show. */

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer; is it still running?");
  }
  if (response.ok) return response;
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
 */
export async function post(path, body = null) {
  const response = await send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** @param {string} path */
export async function bytes(path) {
  return (await send(path)).arrayBuffer();
}

/** Where a case's data are. @param {string} name */
export function caseUrl(name) {
  return `/api/cases/${encodeURIComponent(name)}`;
}

/** 32 hexadecimal digits: an answer sent twice counts once. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
