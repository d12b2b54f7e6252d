"""What a broker refuses: `diagnosis` finds it out, `refusals` has the words and the remedies."""
