"""Claims that answers make, tested by code, and findings, judged by their error; nothing here knows a question."""
