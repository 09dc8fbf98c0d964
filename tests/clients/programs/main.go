// Pays and refunds with the clients that openapi-generator generates for Go; prints the payment's id.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"paystream.test/clients/command"
	"paystream.test/clients/query"
)

func main() {
	commandContext := context.WithValue(context.Background(), command.ContextAccessToken, os.Getenv("API_KEY"))
	queryContext := context.WithValue(context.Background(), query.ContextAccessToken, os.Getenv("API_KEY"))
	commandSettings, querySettings := command.NewConfiguration(), query.NewConfiguration()
	commandSettings.Servers = command.ServerConfigurations{{URL: os.Getenv("COMMAND_URL")}}
	querySettings.Servers = query.ServerConfigurations{{URL: os.Getenv("QUERY_URL")}}
	commands := command.NewAPIClient(commandSettings).PaymentsAPI
	queries := query.NewAPIClient(querySettings).PaymentsAPI

	key := fmt.Sprintf("order-%d", time.Now().UnixNano())
	body := command.NewCreatePaymentBody(1000, "USD", "user_1")
	body.SetPaymentMethod("pm_card_visa")
	pay := func() *command.PaymentAnswer {
		paid, _, err := commands.CreatePayment(commandContext).CreatePaymentBody(*body).IdempotencyKey(key).Execute()
		must(err)
		return paid
	}
	created := pay()
	check(pay().Id == created.Id, "the same key made another payment")

	payment := func(position int64) *query.PaymentView {
		seen, _, err := queries.GetPayment(queryContext, created.Id).MinPosition(position).Execute()
		must(err)
		return seen
	}
	deadline := time.Now().Add(30 * time.Second)
	for payment(created.Position).Status != query.PAYMENT_STATUS_SUCCEEDED {
		check(time.Now().Before(deadline), "the payment does not succeed")
		time.Sleep(50 * time.Millisecond)
	}
	ask := func(cents int64) (*command.RefundAnswer, error) {
		refund := command.NewRefundPaymentBody()
		refund.SetAmountCents(cents)
		answer, _, err := commands.RefundPayment(commandContext, created.Id).RefundPaymentBody(*refund).Execute()
		return answer, err
	}
	refund, err := ask(400)
	must(err)
	check(refund.AmountCents == 400, "another amount")
	for payment(refund.Position).Refunds[0].Status != query.REFUND_STATUS_SUCCEEDED {
		check(time.Now().Before(deadline), "the refund does not succeed")
		time.Sleep(50 * time.Millisecond)
	}

	_, err = ask(9999)
	refused, ok := err.(*command.GenericOpenAPIError)
	check(ok, "more than was paid was refunded")
	var problem command.ProblemBody
	must(json.Unmarshal(refused.Body(), &problem))
	check(*problem.Code.ProblemCode == command.PROBLEM_CODE_REFUND_AMOUNT_EXCEEDS_REFUNDABLE, "another code")
	check(*problem.AmountRefundableCents == 600, "another amount")
	events, _, err := queries.ListPaymentEvents(queryContext, created.Id).Execute()
	must(err)
	check(events.Data[0].PaymentRequestedEntry.Data.AmountCents == 1000, "another first event")
	page, _, err := queries.ListPayments(queryContext).IdempotencyKey(key).Status(query.PAYMENT_STATUS_SUCCEEDED).Execute()
	must(err)
	check(len(page.Data) == 1 && page.Data[0].Id == created.Id, "another page")
	fmt.Println(created.Id)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func check(holds bool, what string) {
	if !holds {
		log.Fatal(what)
	}
}
