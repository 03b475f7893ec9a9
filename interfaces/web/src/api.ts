// Requests to the API that serves this page.

const script = document.currentScript as HTMLScriptElement;
const ROOT = new URL("..", script.src);
const TOKEN = "vigil-token";
const TIMEOUT = 20_000;

/** The API refused a request. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export type Query = Record<string, string | number | null | undefined>;

export function setToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

export function hasToken(): boolean {
  return sessionStorage.getItem(TOKEN) !== null;
}

function url(path: string, query: Query): URL {
  const made = new URL(path.replace(/^\//, ""), ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) made.searchParams.set(name, String(value));
  }
  return made;
}

function headers(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN);
  const version = { "OpenStack-API-Version": "infra-optim latest" };
  return token === null ? version : { ...version, "X-Auth-Token": token };
}

async function answered(request: Promise<Response>): Promise<Response> {
  const response = await request;
  if (response.ok) return response;
  throw new ApiError(response.status, await problem(response));
}

/** The message of an error body, in either of the forms that the API has. */
async function problem(response: Response): Promise<string> {
  try {
    const body = await response.json();
    let error = body.error_message ?? body.error ?? body.errors?.[0] ?? body;
    if (typeof error === "string") {
      try {
        error = JSON.parse(error);
      } catch {
        return error as string;
      }
    }
    return error.faultstring ?? error.detail ?? error.message ?? error.title ?? response.statusText;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

/**
 * The JSON document at a path.
 * Throws ApiError if the API refuses, another error if it does not answer.
 */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const limit = AbortSignal.timeout(TIMEOUT);
  const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  const response = await answered(fetch(url(path, query), { headers: headers(), signal: either }));
  return (await response.json()) as T;
}

/** Changes something. The key makes a repeated request harmless. */
export async function post(path: string, body: unknown): Promise<void> {
  const more = { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
  await answered(
    fetch(url(path, {}), {
      method: "POST",
      headers: { ...headers(), ...more },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT),
    }),
  );
}

/** Calls a function for every piece of the stream of new events, until it ends. */
export async function follow(onOpen: () => void, onData: () => void, signal: AbortSignal) {
  const response = await answered(
    fetch(url("/v1/events/stream", {}), { headers: headers(), signal }),
  );
  onOpen();
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (value.includes("data:")) onData();
  }
}
