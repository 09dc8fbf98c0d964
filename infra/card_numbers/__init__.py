"""Finds card numbers in what a client or Stripe sends, so that none ever enters the system, its logs or its errors.

A number counts as a card's when it is written as cards are (one run of 13 to 19 digits, or groups of 4-4-4-4,
4-4-4-4-3, 4-6-5, 4-6-4 or 4-4-5), has a scheme's first digits and length (`schemes`), and a right check digit. What
stands between the groups, and what touches the number, does not matter; how it is encoded neither (`normal`). Numbers
that are known to be something else pass (`other_numbers`): one in ten has a right check digit by chance, and customers
with long numeric ids must still be able to pay. How many of each kind are refused, and missed: docs/card-numbers.md.
"""

from infra.card_numbers.detect import holds_card_number, mask_card_numbers, text_holds_card_number

__all__ = ["holds_card_number", "mask_card_numbers", "text_holds_card_number"]
