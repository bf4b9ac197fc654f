// Queries to the HTTP API of Prometheus, which the server of this page forwards.

export interface Series {
  metric: Record<string, string>;
  /** Seconds since 1970, and the value as text. */
  values: [number, string][];
}

interface Response {
  status: "success" | "error";
  error?: string;
  data: {
    result: {
      metric: Record<string, string>;
      value?: [number, string];
      values?: [number, string][];
    }[];
  };
}

/** queryInstant returns the series of a vector at a time, with one value each. */
export function queryInstant(query: string, time: number): Promise<Series[]> {
  return call("query", { query, time: String(time) });
}

/** queryRange returns the series of a matrix. All times are in seconds. */
export function queryRange(
  query: string,
  start: number,
  end: number,
  step: number,
): Promise<Series[]> {
  return call("query_range", {
    query,
    start: String(start),
    end: String(end),
    step: String(step),
  });
}

async function call(path: string, parameters: Record<string, string>): Promise<Series[]> {
  const response = await fetch(`/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const body = (await response.json()) as Response;
  if (body.status !== "success") {
    throw new Error(`${body.error} in ${parameters["query"]}`);
  }
  return body.data.result.map(({ metric, value, values }) => ({
    metric,
    values: values ?? (value ? [value] : []),
  }));
}

/** parseNumber parses a value from Prometheus, which spells infinity differently. */
export function parseNumber(text: string): number {
  return Number(text.replace("Inf", "Infinity"));
}
