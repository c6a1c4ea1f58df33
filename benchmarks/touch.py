"""Makes the files of a job, empty: ``python touch.py CALL FILES LOG``, as `lmtopo.client`."""

import os
import re
import sys

_, _, files, log = sys.argv
for path in re.findall(r'"((?:results|datasets)/[^"]*)"', files):
    if os.path.exists(path):
        continue
    if os.path.splitext(path)[1]:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").close()
        if path.endswith(".parquet"):
            open(path.removesuffix(".parquet") + ".csv", "w").close()
    else:
        os.makedirs(path)
open(log, "w").close()
