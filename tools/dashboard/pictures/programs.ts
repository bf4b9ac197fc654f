// The demo of the exporter, and a Prometheus with the shipped rules that scrapes it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const scrapeInterval = "15s";

export class Programs {
  exporter = "";
  prometheus = "";
  started = new Date();

  private directory = "";
  private processes: ChildProcess[] = [];

  /** start starts both programs and waits until they are ready. Callers must call stop. */
  async start(): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), "pictures-"));
    const [exporter, prometheus] = [await freeAddress(), await freeAddress()];
    this.exporter = `http://${exporter}`;
    this.prometheus = `http://${prometheus}`;
    const configuration = {
      global: { scrape_interval: scrapeInterval, evaluation_interval: scrapeInterval },
      rule_files: [resolve("deploy/prometheus/greenapi.rules.yml")],
      scrape_configs: [{ job_name: "greenapi", static_configs: [{ targets: [exporter] }] }],
    };
    const file = join(this.directory, "prometheus.yml");
    await writeFile(file, JSON.stringify(configuration)); // JSON is YAML

    this.started = new Date();
    this.run("greenapi_exporter", "--demo", `--web.listen-address=${exporter}`);
    this.run(
      "prometheus",
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(this.directory, "data")}`,
      `--web.listen-address=${prometheus}`,
    );
    await isReady(this.exporter);
    await isReady(this.prometheus);
  }

  private run(name: string, ...args: string[]): void {
    const child = spawn(resolve(".tools/bin", name), args, { stdio: "ignore" });
    child.once("error", (error) => console.error(`${name}: ${error.message}`));
    this.processes.push(child);
  }

  /** stop ends the programs and removes their files. */
  async stop(): Promise<void> {
    const running = this.processes.filter((p) => p.pid && p.exitCode === null && !p.signalCode);
    await Promise.all(
      running.map(async (child) => {
        const exit = once(child, "exit");
        child.kill();
        await exit;
      }),
    );
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return `localhost:${port}`;
}

async function isReady(url: string): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt++) {
    const response = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (response?.ok) {
      return;
    }
    await sleep(1000);
  }
  throw new Error(`${url} is not ready after a minute`);
}
