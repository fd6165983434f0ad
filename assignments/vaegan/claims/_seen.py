"""Which digits the digit classifier of the build sees in images."""

import numpy as np

from dgm.claims.evidence import Evidence

__all__ = ["seen_as"]


def seen_as(evidence: Evidence, images: np.ndarray) -> np.ndarray:
    """The class of each image, [..., 28, 28] with values in [0, 1], by the classifier that judges all samples."""
    import torch

    from dgm.models import load_model
    from dgm.protocols import Classifies

    classifier: object = load_model(evidence.model_path("classifier"))
    assert isinstance(classifier, Classifies)
    with torch.no_grad():
        log_p = classifier.log_probabilities(torch.from_numpy(images.reshape(-1, 784)).float())
    return np.asarray(log_p.argmax(1)).reshape(images.shape[:-2])
