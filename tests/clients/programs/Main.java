// Pays and refunds with the clients that openapi-generator generates for Java; prints the payment's id.
import java.util.UUID;
import paystream.command.ApiException;
import paystream.command.model.CreatePaymentBody;
import paystream.command.model.ProblemBody;
import paystream.command.model.ProblemCode;
import paystream.command.model.RefundPaymentBody;
import paystream.query.model.PaymentStatus;
import paystream.query.model.PaymentView;
import paystream.query.model.RefundStatus;

public class Main {
    public static void main(String[] arguments) throws Exception {
        var commandClient = new paystream.command.ApiClient();
        commandClient.setBasePath(System.getenv("COMMAND_URL"));
        commandClient.setBearerToken(System.getenv("API_KEY"));
        var queryClient = new paystream.query.ApiClient();
        queryClient.setBasePath(System.getenv("QUERY_URL"));
        queryClient.setBearerToken(System.getenv("API_KEY"));
        var commands = new paystream.command.api.PaymentsApi(commandClient);
        var queries = new paystream.query.api.PaymentsApi(queryClient);

        var key = "order-" + UUID.randomUUID();
        var body = new CreatePaymentBody().userId("user_1").amountCents(1000L).currency("USD").paymentMethod("pm_card_visa");
        var created = commands.createPayment(body, key, null, null);
        check(commands.createPayment(body, key, null, null).getId().equals(created.getId()), "the same key made another payment");

        var deadline = System.currentTimeMillis() + 30_000;
        PaymentView seen;
        do {
            check(System.currentTimeMillis() < deadline, "the payment does not succeed");
            Thread.sleep(50);
            seen = queries.getPayment(created.getId(), created.getPosition(), null, null, null, null, null);
        } while (seen.getStatus() != PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
        var refund = commands.refundPayment(created.getId(), null, null, null, new RefundPaymentBody().amountCents(400L));
        check(refund.getAmountCents() == 400, "another amount");
        do {
            check(System.currentTimeMillis() < deadline, "the refund does not succeed");
            Thread.sleep(50);
            seen = queries.getPayment(created.getId(), refund.getPosition(), null, null, null, null, null);
        } while (seen.getRefunds().get(0).getStatus() != RefundStatus.REFUND_STATUS_SUCCEEDED);

        try {
            commands.refundPayment(created.getId(), null, null, null, new RefundPaymentBody().amountCents(9999L));
            throw new AssertionError("more than was paid was refunded");
        } catch (ApiException refused) {
            var problem = ProblemBody.fromJson(refused.getResponseBody());
            var code = problem.getCode().getActualInstance();
            check(code == ProblemCode.PROBLEM_CODE_REFUND_AMOUNT_EXCEEDS_REFUNDABLE, code);
            check(problem.getAmountRefundableCents() == 600, problem);
        }
        var first = queries.listPaymentEvents(created.getId(), null, null, null, null, null).getData().get(0);
        check(first.getPaymentRequestedEntry().getData().getAmountCents() == 1000, first);
        System.out.println(created.getId());
    }

    static void check(boolean holds, Object what) {
        if (!holds) {
            throw new AssertionError(String.valueOf(what));
        }
    }
}
