"""Plays scripts of SDK calls against any Stripe endpoint and prints what is the same for all of them.

    python -m infra.stripe_sandbox.differential --api-base http://127.0.0.1:8002 --key sk_test_...
        [--script NAME ...] [--file SCRIPT.jsonl ...]

Ids, times and secrets are masked, so that two runs, or the sandbox and Stripe itself, can be compared with `diff`. The
scripts that come with it use the public API alone and leave nothing behind but payments of a test account.
"""
