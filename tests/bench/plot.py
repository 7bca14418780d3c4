# SPDX-License-Identifier: MIT
"""A plot of ratios, as SVG."""
import math
from xml.sax.saxutils import escape

LABELS, WIDTH, ROW, HEAD = 300, 480, 18, 44
LEAST, MOST = 0.0625, 16  # the ends of the scale, which is logarithmic
TICKS = (0.0625, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16)


def x_of(ratio):
    place = math.log(min(max(ratio, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return LABELS + WIDTH * place


def bar(row, ratio, y):
    """From 1 to the left where Heddle does less, to the right where it does more."""
    left, right = sorted((x_of(ratio), x_of(1)))
    colour = "#2a7f4f" if ratio <= 0.5 else "#c9a227" if ratio <= 1 else "#b3402a"
    return [f'<text x="{LABELS - 6}" y="{y + 12}" text-anchor="end">{escape(row)}</text>',
            f'<rect x="{left:.1f}" y="{y + 2}" width="{max(right - left, 1):.1f}" height="{ROW - 5}" fill="{colour}"/>',
            f'<text x="{LABELS + WIDTH + 6}" y="{y + 12}">{ratio:.2f}</text>']


def grid(top, bottom):
    lines = []
    for tick in TICKS:
        x = x_of(tick)
        lines += [f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{"#444" if tick == 1 else "#ccc"}"/>',
                  f'<text x="{x:.1f}" y="{top - 4}" text-anchor="middle" fill="#666">{tick:g}</text>']
    return lines


def bars(groups):
    """groups: {title: [(row, ratio)]}."""
    body, y = [], 26
    for title, rows in groups.items():
        body.append(f'<text x="{LABELS}" y="{y}" font-weight="bold">{escape(title)}: '
                    "Heddle's instructions, Linux's being 1</text>")
        top = y + 20
        body += grid(top, top + ROW * len(rows))
        for index, (row, ratio) in enumerate(rows):
            body += bar(row, ratio, top + ROW * index)
        y = top + ROW * len(rows) + HEAD
    size = f'width="{LABELS + WIDTH + 60}" height="{y - HEAD + 12}"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
                      '<rect width="100%" height="100%" fill="white"/>', *body, "</svg>", ""])
