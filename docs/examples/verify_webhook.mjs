// Verify a webhook of Paystream (Standard Webhooks 1), with what Node.js brings.
//
//     verify(secret, headers, body)   // throws unless it is genuine and new
//     node verify_webhook.mjs whsec_... < request   // headers, an empty line, the body as it came
//
// Libraries that do the same: https://github.com/standard-webhooks/standard-webhooks.

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const TOLERANCE_S = 300;

// Returns the event. `headers` have lower-case names, `body` is a Buffer of the bytes as they came: do not parse them first.
export function verify(secret, headers, body, now = Date.now() / 1000) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  if (!/^\d+$/.test(timestamp ?? "") || Math.abs(now - Number(timestamp)) > TOLERANCE_S) {
    throw new Error("the message is too old, or from the future");
  }
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  // There are several while secrets are replaced by others; versions other than v1 are not for us.
  for (const signature of (headers["webhook-signature"] ?? "").split(" ")) {
    const [version, value = ""] = signature.split(",");
    const given = Buffer.from(value, "base64");
    if (version === "v1" && given.length === expected.length && timingSafeEqual(given, expected)) {
      return JSON.parse(body.toString("utf8"));
    }
  }
  throw new Error("no signature fits");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const input = readFileSync(0);
  const end = input.indexOf("\n\n");
  const headers = Object.fromEntries(
    input
      .subarray(0, end)
      .toString("utf8")
      .split("\n")
      .map((line) => {
        const at = line.indexOf(": ");
        return [line.slice(0, at).toLowerCase(), line.slice(at + 2)];
      }),
  );
  try {
    console.log(verify(process.argv[2], headers, input.subarray(end + 2)).type);
  } catch (error) {
    console.error(`refused: ${error.message}`);
    process.exitCode = 1;
  }
}
