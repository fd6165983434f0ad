"""Claims of the answers, a package an assignment."""
