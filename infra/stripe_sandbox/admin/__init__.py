"""The control panel: what tests and people may do to the sandbox itself. It asks for no key; it listens locally.

Looking:
GET  /_sandbox/state                                    how much of everything there is
GET  /_sandbox/payment_intents | charges | refunds | customers | disputes | payouts
                                                        all of it, of every account; filter: metadata[key]=value
GET  /_sandbox/balance_transactions | events            the same, hidden rows too
Time:
GET  /_sandbox/latency, POST {before_ms?, after_ms?, jitter_ms?}
GET  /_sandbox/clock, POST {advance_s?, rate?}          move the sandbox's clock ahead, make it run faster
GET  /_sandbox/behaviour, POST {automatic_payouts?, search_lag_s?}
                                                        pay out each midnight, find new intents late
POST /_sandbox/reset                                    forget everything, delays, faults and the clock included
What others do:
POST /_sandbox/payment_intents/{id}/authenticate {outcome: succeed|fail}; GET shows a page for people
POST /_sandbox/refunds/{id}/settle {status?}            move a refund now: succeeded, failed, canceled
POST /_sandbox/charges/{id}/expire                      end a hold now
POST /_sandbox/charges/{id}/dispute {course?, amount?}  course: fraudulent, product_not_received, inquiry
POST /_sandbox/disputes/{id}/decide {status, lost_amount?}
                                                        won, lost (in part); of an inquiry warning_closed,
                                                        needs_response
POST /_sandbox/payouts/run {fails?}                     the daily payout of every account
POST /_sandbox/payouts/{id}/settle {status?}            paid or failed
Webhooks:
GET  /_sandbox/webhook_endpoints, POST {url, secrets, enabled_events?, account?, connect?}
POST /_sandbox/webhook_endpoints/{id} {...}             change it: two secrets while one is rolled, status disabled
GET  /_sandbox/deliveries?state=...                     pending, delivered, failed, lost
POST /_sandbox/deliveries/hasten                        make every retry due now
POST /_sandbox/events/{id}/send                         send an event to every endpoint once more
Faults (`faults/rules.py` says what each effect is):
GET  /_sandbox/faults, POST {effect, method?, path?, type?, times? | probability?, seed?, after?, ms?, ...}
DELETE /_sandbox/faults, DELETE /_sandbox/faults/{id}
POST /_sandbox/balance_transactions/{id} {shown?, amount?, fee?, currency?}
                                                        falsify a row that is there
POST /_sandbox/balance_transactions {account, source, type, ...}       write one that should not be
"""
