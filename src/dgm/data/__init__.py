"""Data sets: their sources, their tensors, and what is done to grey levels before a model sees them.

- :mod:`dgm.data.sources` fetches or reads the images and verifies them. It takes no more bytes than were published, and compares
  what has a published checksum with it before it parses. ``DGM_MIRRORS`` (addresses separated by spaces) replaces torchvision's
  mirrors. Jobs run again when the content of the published files changes (``content_digest``), not when their folder
  (``data_dir``) does.
- :mod:`dgm.data.tensors` turns ``data/images.npz`` and ``data/<ring>.npz`` into tensors, and treats images: a likelihood has a
  meaning only together with the treatment of the data.
- :mod:`dgm.data.binariser` draws binary images quickly.

The stage ``prepare`` writes the images: uint8 [n, 28, 28] with labels uint8 [n]. The stage ``simulate`` writes each ring of the
config: ``train``, ``validation`` and ``test`` [n, 2], the component of each point, ``components`` and ``radius``.
"""
