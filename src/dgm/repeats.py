"""How a run is called when it is trained once more with another seed; standard library only."""

__all__ = ["repeats"]


def repeats(run: str, seeds: int) -> list[str]:
    """Names of a run's trainings beyond the first when there are ``seeds`` of them, the second first."""
    return [f"{run}-seed{i}" for i in range(1, seeds)]
