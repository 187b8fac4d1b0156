"""A page taken apart, by the standard library."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input"}
SHAPES = {"rect", "line", "circle", "polyline"}  # of SVG, which end themselves


class Parsed(HTMLParser):
    """What a page holds; AssertionError where its elements do not nest.

    Attributes
    ----------
    elements : list of (tag, dict of attributes)
    words : str
        All that is shown.
    """

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.words, self.scripts, self.titles = [], [], "", [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")
        if tag == "h2":
            self.titles.append("")

    def handle_startendtag(self, tag, attributes):
        assert tag in SHAPES, tag
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> in {self.open}"
        self.open.pop()

    def handle_data(self, data):
        if "script" in self.open:
            self.scripts[-1] += data
        elif "style" not in self.open:
            self.words += data
            if self.open and self.open[-1] == "h2":
                self.titles[-1] += data

    def all(self, tag):
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]
