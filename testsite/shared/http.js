// Requests that pages make to their own shop.

/** Fetches a fragment of HTML. */
export async function fragment(url, signal) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

/** Posts a form's fields, or an object of them; the answer is {message, count}, with ok saying how it went. */
export async function post(url, fields) {
  const response = await fetch(url, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(fields),
  });
  return { ok: response.ok, ...(await response.json()) };
}
