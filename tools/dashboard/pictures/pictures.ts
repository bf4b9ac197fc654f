// Takes the pictures of the documentation, in the root of the repository:
//
//   node tools/dashboard/pictures/dist/pictures.mjs --chromium=/usr/bin/chromium
//
// It runs the demo and a Prometheus that scrapes it. It takes pictures of the exporter's page when
// the page warns, and of the dashboard when the demo's incidents have passed. With --prometheus, it
// only draws the whole dashboard with all rows open, for the last hour of that Prometheus.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import puppeteer, { type Page } from "puppeteer-core";

import { Programs, scrapeInterval } from "./programs";
import { serve } from "./server";

const { values: flags } = parseArgs({
  options: {
    chromium: { type: "string", default: "" },
    minutes: { type: "string", default: "25" },
    out: { type: "string", default: "docs/pictures" },
    prometheus: { type: "string" },
  },
});

const minute = 60_000; // milliseconds
const timeout = 5 * minute; // of Chromium, on a busy machine
const themes = ["light", "dark"] as const;
const desktop = { width: 1200, height: 1000 };
const phone = { width: 390, height: 844, deviceScaleFactor: 2 };
// The rows that are open, without the table of instances, which has one row in the demo.
const dashboard = { width: 1280, height: 1155 };

await mkdir(flags.out, { recursive: true });
const browser = await puppeteer.launch({
  executablePath: flags.chromium,
  // Chromium cannot use its sandbox as root.
  args: ["--hide-scrollbars", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])],
  env: { ...process.env, TZ: "UTC" },
  // Otherwise, puppeteer exits before the other programs end.
  handleSIGINT: false,
  handleSIGTERM: false,
  protocolTimeout: timeout,
});
const programs = new Programs();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await cleanUp();
    process.exit(1);
  });
}
try {
  if (flags.prometheus) {
    const now = new Date();
    await drawDashboard(flags.prometheus, new Date(now.getTime() - 60 * minute), now, true);
  } else {
    await takeAll();
  }
} finally {
  await cleanUp();
}

async function cleanUp(): Promise<void> {
  await browser.close();
  await programs.stop();
}

async function takeAll(): Promise<void> {
  await programs.start();
  console.log("Waiting for the warning of the demo, about 2 minutes.");
  await takePage();
  const end = programs.started.getTime() + Number(flags.minutes) * minute;
  const rest = Math.max(0, end - Date.now());
  console.log(`Waiting until all incidents have passed, ${Math.ceil(rest / minute)} minutes.`);
  await sleep(rest);
  await drawDashboard(programs.prometheus, programs.started, new Date(end), false);
}

/** takePage waits until the exporter's page warns, and takes pictures of it. */
async function takePage(): Promise<void> {
  const tab = await newTab();
  for (;;) {
    await tab.goto(programs.exporter);
    if (await tab.$(".verdict.warning")) {
      break;
    }
    await sleep(5000);
  }
  await tab.setViewport(phone);
  await save(tab, "page-phone");
  // The other pictures end above the list of collectors.
  await tab.setViewport(desktop);
  const collectors = await tab.$("::-p-text(Collectors)");
  const { y: height } = (await collectors!.boundingBox())!;
  await tab.setViewport({ ...desktop, height: Math.floor(height) });
  for (const theme of themes) {
    await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
    await save(tab, `page-${theme}`);
  }
  await tab.close();
}

async function drawDashboard(prometheus: string, from: Date, to: Date, all: boolean) {
  const server = await serve(prometheus);
  for (const theme of themes) {
    const parameters = new URLSearchParams({
      theme,
      from: String(from.getTime()),
      to: String(to.getTime()),
      "scrape-interval": scrapeInterval,
      ...(all && { open: "" }),
    });
    const tab = await newTab();
    const failed = new Promise<never>((_, reject) => tab.once("pageerror", reject));
    await tab.setViewport(dashboard);
    await tab.goto(`${server.url}/index.html?${parameters}`);
    const drawn = tab.waitForSelector("body[data-drawn]");
    await Promise.race([drawn, failed]);
    if (all) {
      const height = await tab.evaluate(() => document.documentElement.scrollHeight);
      await tab.setViewport({ ...dashboard, height });
    }
    await tab.waitForNetworkIdle(); // icons
    await sleep(3000); // React draws in the background.
    await save(tab, `dashboard-${theme}`);
    await tab.close();
  }
  server.close();
}

async function newTab(): Promise<Page> {
  const tab = await browser.newPage();
  tab.setDefaultTimeout(timeout);
  return tab;
}

async function save(tab: Page, name: string): Promise<void> {
  const path = join(flags.out, `${name}.webp`) as `${string}.webp`;
  await tab.screenshot({ path, type: "webp", quality: 90 });
  console.log(path);
}
