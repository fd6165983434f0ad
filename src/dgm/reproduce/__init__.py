"""Builds made again: manifest, comparison, archive.

- :mod:`dgm.reproduce.manifest` says what a build consists of (the SHA-256 of every artefact, commits, versions, devices, seconds
  of each job) and what two builds may differ in: times, memory, dates (``MEASURED_FILES``, ``MEASURED_KEYS``) and the place
  (``PLACE_KEYS``). A new measured entry of a record belongs there, or ``make verify`` reports it.
- :mod:`dgm.reproduce.verify` builds once more and compares (:mod:`dgm.reproduce.differences`). What shows times is made again
  from the second build with the records and costs of the first, by the recorded commands, and must be the same byte for byte;
  nothing is cut out of a text.
- :mod:`dgm.reproduce.archive` packs the files of the manifest and Snakemake's metadata of them
  (:mod:`dgm.reproduce.snakemake_notes` knows where these lie), and unpacks them once every file is checked. Archive and verify
  ask ``snakemake --summary`` which build the options speak of and whether it is up to date.
- :mod:`dgm.reproduce.crate` describes an archive as a Workflow Run RO-Crate: workflow, jobs, files, checksums, licences.
- :mod:`dgm.reproduce.site` collects the report, its PDFs, the tables and the manifest of a finished build in a folder for a host of
  static pages.
- :mod:`dgm.reproduce.incomplete` makes a view of a build of which parts are missing: links to what is there. The stage ``rescue``
  writes the report of a failed build from it.
"""
