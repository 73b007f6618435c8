/** The style of exported documents, on a screen and on paper. */
export const exportedStyle = `
:root { color-scheme: light dark; --text: #1f2430; --muted: #5d6472; --line: #d9dce3; --raised: #f2f3f6; --link: #3440b5;
  --back: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8eaf0; --muted: #a9afbd; --line: #3a4050; --raised: #262b38; --link: #aab4ff; --back: #171b24; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 16px 64px; max-width: 46rem; background: var(--back); color: var(--text);
  font: 17px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3, h4, h5, h6 { line-height: 1.25; margin: 1.6em 0 .5em; font-weight: 650; }
h1 { font-size: 1.7em; margin-top: 0; }
h2 { font-size: 1.45em; } h3 { font-size: 1.2em; } h4, h5, h6 { font-size: 1em; }
.text > :first-child { margin-top: 0; }
a { color: var(--link); }
.about, .muted { color: var(--muted); font-size: .85em; }
article + article, .contents + article { margin-top: 48px; padding-top: 24px; border-top: 1px solid var(--line); }
img { max-width: 100%; height: auto; }
figure { margin: 1em 0; }
figure img { display: block; }
summary { color: var(--muted); font-size: .85em; }
pre, code { font-family: ui-monospace, monospace; font-size: .9em; }
pre { padding: 12px; background: var(--raised); border-radius: 6px; white-space: pre-wrap; }
:not(pre) > code { padding: 1px 4px; background: var(--raised); border-radius: 4px; }
blockquote { margin: 1em 0; padding-left: 16px; border-left: 3px solid var(--line); color: var(--muted); }
table { display: block; overflow-x: auto; border-collapse: collapse; }
th, td { padding: 6px 10px; border: 1px solid var(--line); text-align: left; vertical-align: top; }
.align-right { text-align: right; } .align-center { text-align: center; }
hr { border: 0; border-top: 1px solid var(--line); }
.check-item { list-style: none; margin-left: -1.4em; }
.check-box { display: inline-block; width: 1em; height: 1em; margin-right: .3em; border: 1.5px solid var(--muted);
  border-radius: 3px; line-height: .9; text-align: center; vertical-align: -.1em; font-size: .9em; }
.check-box[aria-checked="true"]::before { content: "\u2713"; }
@page { margin: 18mm 16mm; }
@media print {
  :root { color-scheme: light; --text: #000; --muted: #444; --line: #bbb; --raised: #f2f2f2; --link: #000; --back: #fff; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  article + article, .contents + article { break-before: page; margin-top: 0; padding-top: 0; border-top: 0; }
  h1, h2, h3, h4, h5, h6 { break-after: avoid; }
  pre, blockquote, table, figure, img, li { break-inside: avoid; }
  table { display: table; }
  details { display: none; }
}
`;
