"""What operators and finance do about things that do not settle by themselves: a form with a reason, then one call."""
