// Opens /docs in Chromium, unfolds every operation, pays twice by "Try it out", and prints what it saw as JSON.
import { chromium } from "playwright-core";

const [executablePath, url, key] = process.argv.slice(2);
const quiet = ["background-networking", "component-update", "sync", "gpu", "quic"].map((each) => `--disable-${each}`);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--no-first-run", ...quiet] });
const page = await browser.newPage();
const seen = { requests: [], refused: [], operations: [], statuses: [] };
page.on("request", (request) => seen.requests.push(request.url()));
page.on("console", (message) => /Content.Security.Policy/i.test(message.text()) && seen.refused.push(message.text()));
page.on("pageerror", (error) => seen.refused.push(error.message));

await page.goto(`${url}/docs`);
await page.waitForSelector(".opblock");
seen.operations = await page.$$eval(".opblock", (all) => all.map((each) => each.id));
// One after the other: a click draws again all that is unfolded.
for (const summary of await page.$$(".opblock-summary-control")) {
  await summary.click();
  await page.waitForSelector(".opblock.is-open .responses-wrapper");
  await summary.click();
  await page.waitForSelector(".opblock.is-open", { state: "detached" });
}

if (key) {
  await page.click(".authorize");
  await page.fill(".auth-container input", key);
  await page.click(".auth-container .authorize.button");
  await page.click(".auth-container .btn-done");
  const operation = page.locator("[id$=create_payment]");
  await operation.locator(".opblock-summary-control").click();
  await operation.locator(".try-out__btn").click();
  for (let time = 0; time < 2; time++) {
    const answered = page.waitForResponse((answer) => answer.request().method() === "POST");
    await operation.locator(".execute").click();
    const answer = await answered;
    seen.statuses.push([answer.status(), (await answer.json()).id]);
  }
}
console.log(JSON.stringify(seen));
await browser.close();
