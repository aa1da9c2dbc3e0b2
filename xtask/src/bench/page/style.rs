//! How drawings and the page look, in light and dark.

/// Colours by name.
pub(super) const COLOURS: &str = "
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #ffffff;
  --c0: #2563c9; --c1: #d4601f; --c2: #23864f; --c3: #8a52c8; --band: #d9a300; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #15171a;
    --c0: #6ea8ff; --c1: #ff9a5c; --c2: #5fcf94; --c3: #c39bff; --band: #ffd24d; }
}
:root { color: var(--ink); background: var(--paper); }
";

/// The insides of drawings.
pub(super) const DRAWING: &str = "
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
svg .title { font-size: 14px; font-weight: 600; }
svg .note { opacity: .75; font-size: 11px; } svg .grid { stroke: currentColor; opacity: .14; }
svg .band { fill: var(--band); opacity: .18; } svg .sync { fill: currentColor; opacity: .55; }
svg polyline { fill: none; stroke-linejoin: round; } svg .strong { stroke-width: 2; } svg .thin { stroke-width: 1.1; }
svg .dotted { stroke-width: 1.1; stroke-dasharray: 2 3; opacity: .85; }
.line0 { stroke: var(--c0); } .line1 { stroke: var(--c1); } .line2 { stroke: var(--c2); } .line3 { stroke: var(--c3); }
.fill0 { fill: var(--c0); } .fill1 { fill: var(--c1); } .fill2 { fill: var(--c2); } .fill3 { fill: var(--c3); }
";

/// Everything around them.
pub(super) const PAGE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.6rem; }
p { max-width: 48rem; } code { word-break: break-all; }
figure > svg { width: 100%; height: auto; display: block; }
figure { margin: 1rem 0; } figcaption b { font-weight: 600; } figcaption { font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: .2rem 1.6rem; }
.key { display: inline-flex; align-items: center; margin-left: .8rem; gap: .35rem; }
.key svg { width: 22px; height: 10px; display: inline-block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; } th, td { text-align: right; padding: .22rem .6rem; }
th { font-weight: 600; vertical-align: bottom; } th:first-child, td:first-child { text-align: left; }
td { border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); font-variant-numeric: tabular-nums; }
tr.ratio td { border-top-style: dotted; opacity: .8; font-style: italic; }
tr.ratio + tr:not(.ratio) td { border-top: 2px solid color-mix(in srgb, currentColor 35%, transparent); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; font-size: 13.5px; } dd { margin: 0; }
dt { opacity: .75; }
";
