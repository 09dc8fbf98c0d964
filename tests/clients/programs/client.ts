// Pays and refunds with the types of openapi-typescript and openapi-fetch; prints the payment's id.
import createClient from "openapi-fetch";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { paths as CommandPaths, components as Command } from "./command.js";
import type { paths as QueryPaths } from "./query.js";

const headers = { Authorization: `Bearer ${process.env.API_KEY}` };
const commands = createClient<CommandPaths>({ baseUrl: process.env.COMMAND_URL!, headers });
const queries = createClient<QueryPaths>({ baseUrl: process.env.QUERY_URL!, headers });

function check(holds: unknown, what: unknown): asserts holds {
  if (!holds) throw new Error(JSON.stringify(what));
}

// As the README has it: whatever is optional may be left out.
const body: Command["schemas"]["CreatePaymentBody"] = {
  user_id: "test_user_123",
  amount_cents: 1000,
  currency: "USD",
  payment_method: "pm_card_visa",
};
const key = `order-${randomUUID()}`;
const pay = () => commands.POST("/payments", { body, params: { header: { "Idempotency-Key": key } } });
const { data: created, error } = await pay();
check(created, error);
check((await pay()).data?.id === created.id, "the same key made another payment");

async function payment(id: string, min_position: number) {
  const { data, error } = await queries.GET("/payments/{payment_id}", {
    params: { path: { payment_id: id }, query: { min_position } },
  });
  check(data, error);
  return data;
}

const deadline = Date.now() + 30_000;
for (;;) {
  const seen = await payment(created.id, created.position);
  if (seen.status === "succeeded") break;
  check(Date.now() < deadline, seen);
  await pause(50);
}
const refunds = "/payments/{payment_id}/refund" as const;
const of = { path: { payment_id: created.id } };
const { data: refund } = await commands.POST(refunds, { params: of, body: { amount_cents: 400 } });
check(refund?.amount_cents === 400, refund);
for (;;) {
  const [shown] = (await payment(created.id, refund.position)).refunds;
  if (shown?.status === "succeeded") break;
  check(Date.now() < deadline, shown);
  await pause(50);
}

const { error: refused } = await commands.POST(refunds, { params: of, body: { amount_cents: 9999 } });
check(refused?.code === "refund_amount_exceeds_refundable", refused);
check(refused.amount_refundable_cents === 600, refused);
const { data: events } = await queries.GET("/payments/{payment_id}/events", { params: of });
const first = events?.data[0];
check(first?.type === "payment.requested", first);
const { data: page } = await queries.GET("/payments", { params: { query: { idempotency_key: key, status: "succeeded" } } });
check(page?.data.length === 1 && page.data[0]?.id === created.id, page);
console.log(created.id);
