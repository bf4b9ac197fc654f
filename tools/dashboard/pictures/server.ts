// A server for the page that draws the dashboard.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";

const contentTypes: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

const here = "tools/dashboard/pictures";
const modules = `${here}/node_modules`;
const inter = `${modules}/@fontsource/inter/files/inter-latin`;

/** The files for the paths that begin with a prefix. The first prefix that matches is used. */
const files = [
  ["/dashboard.json", "grafana-dashboard.json"],
  ["/public/build/img/icons/", `${modules}/@grafana/ui/dist/public/img/icons/`],
  ["/public/fonts/inter/Inter-Regular.woff2", `${inter}-400-normal.woff2`],
  ["/public/fonts/inter/Inter-Medium.woff2", `${inter}-500-normal.woff2`],
  ["/public/fonts/inter/Inter-Italic.woff2", `${inter}-400-italic.woff2`],
  ["/index.html", `${here}/page/index.html`],
  ["/", `${here}/dist/page/`],
] as const;

/** serve serves the page on the loopback interface. It forwards queries to Prometheus. */
export async function serve(prometheus: string): Promise<Server & { url: string }> {
  const server = createServer(async ({ url = "" }, response) => {
    const { pathname, search } = new URL(url, "http://localhost");
    try {
      if (pathname.startsWith("/api/v1/")) {
        const answer = await fetch(`${prometheus}${pathname}${search}`);
        response.writeHead(answer.status, { "Content-Type": "application/json" });
        response.end(await answer.text());
        return;
      }
      const [prefix, target] = files.find(([prefix]) => pathname.startsWith(prefix))!;
      const path = target + pathname.slice(prefix.length);
      const type = contentTypes[extname(path)] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type }).end(await readFile(path));
    } catch (error) {
      response.writeHead(404).end(String(error));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(server, { url: `http://127.0.0.1:${port}` });
}
