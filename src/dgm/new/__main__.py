"""``python -m dgm.new``."""

from dgm.new import main

if __name__ == "__main__":
    raise SystemExit(main())
