from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from PIL import Image
from tiny_files import RAS
from tiny_files import hu
from tiny_files import lesion
from tiny_files import write_dicom
from tiny_files import write_picture
from tiny_files import write_volume

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog.pairs import PairedFolders
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.errors import InputError
from groundglass.labels.events import ScanTag
from groundglass.labels.rasterize import slice_tags
from groundglass.scans.dicom import read_dicom_series
from groundglass.scans.dicom_seg import write_dicom_seg


def build(root: Path, **options: Any) -> PairedFolders:
    layout: PairedFolders = LAYOUTS.build("folder", options, root=root)
    return layout


def write_case(root: Path, name: str, seed: int = 0) -> None:
    write_volume(root / f"images/{name}.nii.gz", hu(seed))
    write_volume(root / f"masks/{name}.nii.gz", lesion())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "raw"
    for seed, name in enumerate("abcd"):
        write_case(root, name, seed)
    return root


@pytest.fixture
def own_patients(root: Path) -> None:
    (root / "patients.csv").write_text("case,patient\na,a\nb,b\nc,c\nd,d\n")


def everything(folder: DatasetFolder) -> dict[str, Any]:
    split = folder.split
    return {case.case: case for case in (*split.training, *split.validation, *split.test)}


def mask_of(folder: DatasetFolder, name: str) -> Any:
    mask = folder.mask(everything(folder)[name])
    assert mask is not None
    return mask.voxels


def test_images_masks_and_lungs_go_by_name(root: Path, tmp_path: Path) -> None:
    for name in "abcd":
        write_volume(root / f"lungs/{name}.nii", lesion() * 2)
    folder = prepare(build(root), tmp_path / "set", name="f")
    cases = everything(folder)
    assert sorted(cases) == ["a", "b", "c", "d"]
    assert [len(folder.split.training), len(folder.split.validation), len(folder.split.test)] == [2, 1, 1]
    for seed, name in enumerate("abcd"):
        np.testing.assert_array_equal(folder.scan(cases[name]).voxels, hu(seed))
        np.testing.assert_array_equal(mask_of(folder, name), lesion())
        lungs = folder.lungs(cases[name])
        assert lungs is not None
        np.testing.assert_array_equal(lungs.voxels, lesion() * 2)


def test_every_kind_of_file_is_read(tmp_path: Path) -> None:
    root = tmp_path / "raw"
    write_case(root, "nifti")
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(hu()), root / "images/nrrd.nrrd")
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(lesion()), root / "masks/nrrd.seg.nrrd")
    for z in range(8):
        write_dicom(root / f"images/dicom/IM{9 - z}", (hu()[z].astype(int) + 1024).astype(np.uint16), 5.0 * z - 100)
        write_picture(root / f"images/slices/s{z}.png", (hu()[z] % 256).astype(np.uint8))
        write_picture(root / f"masks/slices/s{z}.png", lesion()[z] * 255)
    flipped = RAS @ np.diag([1.0, -1, 1, 1])
    flipped[:3, 3] += 15 * RAS[:3, 1]
    write_volume(root / "masks/dicom.nii.gz", lesion()[:, ::-1], flipped)
    write_picture(root / "images/jpeg.jpg", (hu()[0] % 256).astype(np.uint8))
    Image.fromarray(lesion()[1] * 255).save(root / "masks/jpeg.jpg", quality=30)
    assert (np.asarray(Image.open(root / "masks/jpeg.jpg"))[lesion()[1] == 0] > 0).mean() > 0.1, "it is smeared"
    folder = prepare(build(root), tmp_path / "set", name="f")
    intensity = {name: case.intensity for name, case in everything(folder).items()}
    assert intensity == {"dicom": "hu", "jpeg": "display", "nifti": "hu", "nrrd": "hu", "slices": "display"}
    for name in ("nifti", "nrrd", "dicom", "slices"):
        np.testing.assert_array_equal(mask_of(folder, name), lesion(), err_msg=name)
    np.testing.assert_array_equal(folder.scan(everything(folder)["dicom"]).voxels, hu())
    jpeg = mask_of(folder, "jpeg")[0]
    assert (jpeg != lesion()[1]).mean() < 0.05, "a smeared edge is not lesion"


def test_a_dicom_seg_is_a_mask_of_its_scan(root: Path, tmp_path: Path) -> None:
    for z in range(8):
        write_dicom(root / f"images/dicom/IM{z}", (hu()[z].astype(int) + 1024).astype(np.uint16), 5.0 * z - 100)
    scan, series = read_dicom_series(root / "images" / "dicom")
    assert not lesion()[-1].any(), "a DICOM-SEG leaves out what is empty"
    drawn = {"lesions": scan.with_voxels(lesion(), "mask")}
    write_dicom_seg(drawn, series, root / "masks" / "dicom.dcm", algorithm_name="a", algorithm_version="1")
    folder = prepare(build(root), tmp_path / "set", name="f")
    np.testing.assert_array_equal(mask_of(folder, "dicom"), lesion())


def test_without_masks_all_is_for_labeling(root: Path, tmp_path: Path) -> None:
    (root / "masks").rename(root / "elsewhere")
    (root / "images/a.nii.gz").unlink()
    (root / "images/b.nii.gz").unlink()
    split = prepare(build(root), tmp_path / "set", name="f").split
    assert [case.case for case in split.training] == ["c", "d"]
    assert [case.label for case in split.training] == [None, None]
    assert split.validation == split.test == ()


def test_patients_are_read_and_never_split(root: Path, tmp_path: Path) -> None:
    (root / "patients.csv").write_text("\ufeffpatient,case\nq,b\np,a\np,c\nr,d\nx,not-here\n", encoding="utf-8")
    cases = everything(prepare(build(root), tmp_path / "set", name="f"))
    assert {name: case.patient for name, case in cases.items()} == {"a": "p", "b": "q", "c": "p", "d": "r"}


def test_a_table_may_name_files_and_have_spaces(root: Path, tmp_path: Path) -> None:
    (root / "patients.csv").write_text("case, patient\na.nii.gz, p\nb, p\nc.nii.gz , q\nd,r\n")
    (root / "slice_tags.csv").write_text("case, slice_from_feet, tag\na.nii.gz, 2, 1\n")
    cases = everything(prepare(build(root), tmp_path / "set", name="f"))
    assert {name: case.patient for name, case in cases.items()} == {"a": "p", "b": "p", "c": "q", "d": "r"}
    assert cases["a"].slice_tags[1] == 1


def test_a_table_in_another_encoding_is_refused(root: Path) -> None:
    (root / "patients.csv").write_bytes("case,patient\na,Müller\n".encode("latin-1"))
    with pytest.raises(InputError, match="not a table with the columns case and patient; save it as CSV UTF-8"):
        build(root).sources()


def test_patients_are_not_guessed(tmp_path: Path) -> None:
    for number in range(3):
        write_case(tmp_path, f"patient01_slice{number:03d}")
    assert len({source.patient for source in build(tmp_path).sources()}) == 3


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("case,patient\na,p\nb,p\nc,q\n", "no line for case d"),
        ("case,patient\na,p\na,q\nb,p\nc,q\nd,r\n", "case a has no patient or several"),
        ("case,patient\na,\nb,p\nc,q\nd,r\n", "case a has no patient or several"),
        ("case,patient\na\nb,p\nc,q\nd,r\n", "case a has no patient or several"),
        ("name,person\na,p\n", "has no column case, but 'name', 'person'; name the columns case and patient, with"),
        ("Case,patient\na,p\n", "has no column case, but 'Case', 'patient'"),
        ("case;patient\na;p\n", "has no column case, but 'case;patient'; name the columns case and patient, with"),
        ("", "has no column case, but none"),
    ],
)
def test_a_wrong_table_of_patients_is_refused(root: Path, table: str, says: str) -> None:
    (root / "patients.csv").write_text(table)
    with pytest.raises(InputError, match=rf"patients\.csv: .*{says}"):
        build(root).sources()


@pytest.mark.parametrize(("folder", "lacks"), [("images", "image"), ("masks", "mask")])
def test_what_stands_alone_is_refused(root: Path, folder: str, lacks: str) -> None:
    (root / folder / "b.nii.gz").unlink()
    with pytest.raises(InputError, match=rf"b\.nii\.gz: has no {lacks} of the same name"):
        build(root).sources()


def test_a_folder_of_masks_that_is_empty_or_not_complete_is_named(root: Path) -> None:
    (root / "lungs").mkdir()
    with pytest.raises(InputError, match=r"raw/lungs: holds no lung mask; put the missing files in, or take the"):
        build(root).sources()
    write_volume(root / "lungs/a.nii.gz", lesion())
    with pytest.raises(
        InputError, match=r"images/b\.nii\.gz: has no lung mask of the same name in .*raw/lungs; add it"
    ):
        build(root).sources()
    (root / "lungs").rename(root / "other")
    for path in (root / "masks").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"raw/masks: holds no mask; put the missing files in"):
        build(root).sources()


def test_two_files_of_one_name_are_refused(root: Path) -> None:
    write_volume(root / "images/a.nii", hu())
    with pytest.raises(InputError, match=r"a\.nii\.gz: has the same name but for its ending as a\.nii"):
        build(root).sources()


def test_a_mask_of_another_place_or_kind_is_refused(root: Path, tmp_path: Path) -> None:
    away = RAS.copy()
    away[2, 3] += 5
    write_volume(root / "masks/a.nii.gz", lesion(), away)
    with pytest.raises(InputError, match=r"a\.nii\.gz: lies up to 5 mm from where its image"):
        prepare(build(root), tmp_path / "one", name="f")
    (root / "masks/a.nii.gz").unlink()
    for z in range(8):
        write_picture(root / f"masks/a/s{z}.png", lesion()[z] * 255)
    with pytest.raises(InputError, match="masks/a: lies up to"):
        prepare(build(root), tmp_path / "two", name="f")


def test_loose_dicom_files_are_refused(root: Path) -> None:
    write_dicom(root / "images/IM001", np.zeros((16, 16), np.uint16), 0.0)
    with pytest.raises(InputError, match="IM001: a DICOM file on its own"):
        build(root).sources()


def test_what_is_no_image_is_left_out_and_named(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "images/readme.txt").write_text("hello")
    (root / "images/.DS_Store").write_text("")
    (root / "masks/Thumbs.db").write_text("")
    assert [source.case for source in build(root).sources()] == ["a", "b", "c", "d"]
    assert "left out, as it is no image: readme.txt" in caplog.text


def test_missing_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder; give the folder that holds images/"):
        build(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"images: there is no such folder; this layout needs images/"):
        build(tmp_path).sources()
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="holds no image"):
        build(tmp_path).sources()


def test_intensity_can_be_stated(tmp_path: Path) -> None:
    write_volume(tmp_path / "images/a.nii.gz", np.abs(hu()))
    with pytest.raises(InputError, match="neither Hounsfield units"):
        build(tmp_path).sources()[0].image()
    assert build(tmp_path, intensity="hu").sources()[0].image().intensity == "hu"


def test_a_corrupt_image_is_named_and_what_is_mended_is_prepared(root: Path, tmp_path: Path) -> None:
    path = root / "images/c.nii.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"images/c\.nii\.gz"):
        prepare(build(root), tmp_path / "set", name="f")
    with pytest.raises(InputError, match="not a prepared dataset"):
        DatasetFolder.open(tmp_path / "set")
    path.write_bytes(whole)
    prepare(build(root), tmp_path / "set", name="f")
    assert sorted(everything(DatasetFolder.open(tmp_path / "set"))) == ["a", "b", "c", "d"]


def test_with_tags_not_every_image_needs_a_mask(root: Path, tmp_path: Path) -> None:
    for seed in range(4):
        write_volume(root / f"images/tagged{seed}.nii.gz", hu(10 + seed))
    names = [*"abcd", *(f"tagged{seed}" for seed in range(4))]
    lines = [f"{name},{int(name < 'tagged2')}" for name in names]
    (root / "tags.csv").write_text("case,tag\n" + "\n".join(lines) + "\n")
    folder = prepare(build(root), tmp_path / "set", name="f")
    parts = [[case.case[:6] for case in part] for part in (folder.split.validation, folder.split.test)]
    assert [len(part) for part in parts] == [1, 1]
    assert "tagged" not in (*parts[0], *parts[1])
    assert len(folder.split.training) == 6
    simulate_labels(folder, ["scan-tags"])
    tags = {name: labels[0].label for name, labels in folder.labels().items()}  # type: ignore[attr-defined]
    assert (tags["tagged1"], tags["tagged2"]) == (1, 0)
    assert len(tags) == 6


@pytest.mark.usefixtures("own_patients")
def test_tags_of_the_other_kind_are_not_left_out_in_silence(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in "cd":
        (root / f"masks/{name}.nii.gz").unlink()
    (root / "tags.csv").write_text("case,tag\na,1\nb,1\nc,0\nd,0\n")
    folder = prepare(build(root), tmp_path / "set", name="f")
    says = "scan-tags are on record of 2 training cases without a mask, and no slice-tags; make labels of them with"
    simulate_labels(folder, ["points"])
    assert not caplog.records, "no tags were wanted"
    with pytest.raises(InputError, match=rf"set: {says} 'groundglass prepare .*set --labels scan-tags'"):
        simulate_labels(folder, ["slice-tags"], only="[cd]")
    simulate_labels(folder, ["slice-tags"])
    assert says in caplog.text
    caplog.clear()
    simulate_labels(folder, ["scan-tags"])
    assert not caplog.records


def test_one_mask_and_tags_all_train(root: Path, tmp_path: Path) -> None:
    for name in "bcd":
        (root / f"masks/{name}.nii.gz").unlink()
    (root / "tags.csv").write_text("case,tag\na,1\nb,1\nc,0\nd,0\n")
    assert len(prepare(build(root), tmp_path / "set", name="f").split.training) == 4


def test_of_tagged_cases_a_mask_without_an_image_is_named(root: Path) -> None:
    for name in "abc":
        (root / f"masks/{name}.nii.gz").unlink()
    (root / "masks/d.nii.gz").rename(root / "masks/e.nii.gz")
    (root / "tags.csv").write_text("case,tag\na,1\nb,1\nc,0\nd,0\n")
    with pytest.raises(InputError, match=r"masks/e\.nii\.gz: has no image of the same name"):
        build(root).sources()


@pytest.mark.parametrize(
    ("table", "words"),
    [("a,1\nb,1\nc,0\n", "no line for case d"), ("a,1\nb,yes\nc,0\nd,0\n", "tag 'yes'; give 0 or 1")],
)
def test_wrong_tags_are_named(table: str, words: str, root: Path) -> None:
    (root / "tags.csv").write_text(f"case,tag\n{table}")
    with pytest.raises(InputError, match=words):
        build(root).sources()


@pytest.mark.parametrize(("column", "first"), [("slice_from_feet", 0), ("slice_from_head", 7)])
def test_slice_tags_are_counted_from_the_end_the_header_says(
    column: str, first: int, root: Path, tmp_path: Path
) -> None:
    upside_down = RAS @ np.diag([1.0, 1.0, -1.0, 1.0])
    write_volume(root / "images/e.nii.gz", hu(9), upside_down)
    (root / "slice_tags.csv").write_text(f"case,{column},tag\ne,1,1\ne,2,0\na,1,0\n")
    folder = prepare(build(root), tmp_path / "set", name="f")
    case = everything(folder)["e"]
    expected = np.full(8, -1)
    expected[[first, abs(first - 1)]] = [1, 0]
    assert DatasetFolder.open(folder.root).split == folder.split
    assert list(case.slice_tags) == list(expected)
    assert case in folder.split.training, "it has no mask to be scored by"
    simulate_labels(folder, ["slice-tags"], only="e")
    labels = folder.labels()["e"]
    assert {label.annotator for label in labels} == {"record"}
    affine = folder.scan(case).affine
    assert list(slice_tags(labels, affine=affine, depth=8)) == list(expected)
    # The file's slices run from the head down: its first, at z = -100, is nearest the head.
    lesion = next(label for label in labels if label.label)  # type: ignore[attr-defined]
    assert lesion.position[2] == (-135 if first == 0 else -100)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("own_patients")
def test_slices_without_a_line_stay_untagged_beside_a_mask(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [f"{name},{number},{int(number in (2, 3))}" for name in "abcd" for number in range(1, 5)]
    (root / "slice_tags.csv").write_text("case,slice_from_feet,tag\n" + "\n".join(lines) + "\n")
    folder = prepare(build(root), tmp_path / "set", name="f")
    assert not caplog.records
    simulate_labels(folder, ["slice-tags", "points"])
    case = folder.split.training[0]
    tags = slice_tags(folder.labels()[case.case], affine=folder.scan(case).affine, depth=8)
    assert list(tags) == [0, 1, 1, 0, -1, -1, -1, -1]


def test_a_table_that_counts_from_the_wrong_end_is_noticed(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "slice_tags.csv").write_text("case,slice_from_head,tag\na,1,0\na,2,1\na,3,1\na,8,0\n")
    prepare(build(root), tmp_path / "set", name="f")
    assert "case a: 2 of 4 slice tags contradict its mask; check from which end the table counts" in caplog.text


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("case,slice,tag\na,1,1\n", "not a table with the columns case, tag and slice_from_feet or slice_from_head"),
        ("case,slice_from_feet,slice_from_head,tag\na,1,1,1\n", "not a table with the columns"),
        ("case;slice_from_feet;tag\na;1;1\n", "has no column case, but 'case;slice_from_feet;tag'; name the columns"),
        ("case,slice_from_feet,tag\n", "has no line below its header; add the tags, or take the file away"),
        ("case,slice_from_feet,tag\nA,1,1\n", "line 2: there is no case 'A'"),
        ("case,slice_from_feet,tag\na,1,1\na,0,1\n", "line 3: slice '0', tag '1'; count from 1"),
        ("case,slice_from_feet,tag\na,1,yes\n", "line 2: slice '1', tag 'yes'; count from 1, and tag with 0 or 1"),
        ("case,slice_from_feet,tag\na,1\n", "line 2: slice '1', tag ''"),
        ("case,slice_from_feet,tag\n\na,1,1\n\na,x,1\n", "line 5: slice 'x'"),
        (f"case,slice_from_feet,tag\na,{'9' * 5000},1\n", "line 2: slice '9"),
        ("case,slice_from_feet,tag\na,1,1\na,1,0\n", "line 3: slice 1 of case a has another tag above"),
        ("case,slice_from_feet,tag\na,9,1\n", "case a has 8 slices and a tag for slice 9; mend the table"),
    ],
)
def test_a_wrong_table_of_slice_tags_is_named(table: str, words: str, root: Path, tmp_path: Path) -> None:
    (root / "slice_tags.csv").write_text(table)
    with pytest.raises(InputError, match=rf"slice_tags\.csv: .*{re.escape(words)}"):
        prepare(build(root), tmp_path / "set", name="f")


def test_the_tag_of_a_scan_of_one_slice_is_its_slice_tag(tmp_path: Path) -> None:
    labels = [ScanTag(case="a", seconds=1, label=1)]
    assert list(slice_tags(labels, affine=np.eye(4), depth=1)) == [1]
    assert list(slice_tags(labels, affine=np.eye(4), depth=2)) == [-1, -1]
