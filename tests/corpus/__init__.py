"""Cases of real device payloads with the readings and occurrences they must become."""
