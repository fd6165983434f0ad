import os
import sys
from pathlib import Path
from snakemake.exceptions import WorkflowError

SRC = Path(str(workflow.current_basedir)).resolve().parents[1] / "src"
if not SRC.is_dir():
    raise WorkflowError(
        f"{SRC.parent} has no src/, which the rules call; clone the whole repository and name its workflow/Snakefile"
    )
# Seen from the working directory: what a build records of itself (commands, params, inputs) is the same wherever the clone lies.
REPOSITORY = Path(os.path.relpath(SRC.parent))
sys.path.insert(0, str(SRC))

from dgm.runtime.yaml_files import read_yaml

# Snakemake ends in a traceback on much that is no YAML, and takes the second of two equal keys without a word.
for file in [
    REPOSITORY / "config.yaml",
    *([] if workflow.modifier.skip_configfile else workflow.overwrite_configfiles),
]:
    if file.is_file() and file.suffix in (".yaml", ".yml"):
        try:
            read_yaml(file)
        except ValueError as error:
            raise WorkflowError(str(error)) from None
