"""What was read where, as ALTO 4, the XML of libraries and archives, one file a picture."""

from xml.etree import ElementTree as ET

import numpy as np

from glyphsr._version import VERSION
from glyphsr.text.controls import show_controls
from glyphsr.upscaling.hocr import Points, word_parts
from glyphsr.upscaling.reading import ReadResult

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"


def render_alto(name: str, found: ReadResult) -> str:
    """One picture's lines and words in its own pixels; lines without text are left out.

    Args:
        name: The picture's file.
        found: What was read in it.
    """
    alto = ET.Element("alto", xmlns=NAMESPACE, SCHEMAVERSION="4.2")
    _describe(alto, name, found.reader)

    size = {"WIDTH": str(found.width), "HEIGHT": str(found.height)}
    page = ET.SubElement(ET.SubElement(alto, "Layout"), "Page", {"ID": "page_1", "PHYSICAL_IMG_NR": "1"} | size)
    space = ET.SubElement(page, "PrintSpace", {"HPOS": "0", "VPOS": "0"} | size)

    for number, line in enumerate((line for line in found.lines if line.text.strip()), 1):
        # A block for each line: what belongs together on the page nobody has looked at.
        quad = np.asarray(line.box, float)
        place = _place(quad, found)
        block = ET.SubElement(space, "TextBlock", {"ID": f"block_{number}"} | place)
        row = ET.SubElement(block, "TextLine", {"ID": f"line_{number}"} | place)
        # Confidence is known of lines; each word has its line's.
        sure = f"{min(1.0, max(0.0, line.reading.confidence)):.2f}"
        for i, (word, part) in enumerate(word_parts(show_controls(line.text), quad), 1):
            if i > 1:
                ET.SubElement(row, "SP")
            names = {"ID": f"word_{number}_{i}", "CONTENT": word, "WC": sure}
            ET.SubElement(row, "String", names | _place(part, found))

    ET.indent(alto, " ")
    return ET.tostring(alto, encoding="unicode", xml_declaration=True) + "\n"


def _describe(alto: ET.Element, name: str, reader: str) -> None:
    description = ET.SubElement(alto, "Description")
    ET.SubElement(description, "MeasurementUnit").text = "pixel"

    source = ET.SubElement(description, "sourceImageInformation")
    ET.SubElement(source, "fileName").text = show_controls(name)

    processing = ET.SubElement(description, "Processing", ID="reading")
    ET.SubElement(processing, "processingStepDescription").text = f"read by {reader}"
    software = ET.SubElement(processing, "processingSoftware")
    ET.SubElement(software, "softwareName").text = "glyphsr"
    ET.SubElement(software, "softwareVersion").text = VERSION


def _place(points: Points, found: ReadResult) -> dict[str, str]:
    """The upright box around some points, within the picture."""
    inside = points.clip(0, (found.width, found.height)).round()
    (left, top), (right, bottom) = inside.min(axis=0), inside.max(axis=0)
    values = {"HPOS": left, "VPOS": top, "WIDTH": right - left, "HEIGHT": bottom - top}
    return {key: f"{value:.0f}" for key, value in values.items()}
