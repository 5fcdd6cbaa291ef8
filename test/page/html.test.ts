import { describe, expect, test } from 'vitest';
import { html } from '../../src/page/html.ts';

describe('a piece of a page', () => {
  test.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['" onfocus="alert(1)', '&quot; onfocus=&quot;alert(1)'],
    ["' onfocus='alert(1)", '&#39; onfocus=&#39;alert(1)'],
    ['a & b', 'a &amp; b'],
    ['&lt;', '&amp;lt;'],
    ['a\u0000\u001b[2J\r\nb', 'a [2J b'],
    ['abc\u202ecba\u2028', 'abc cba '],
    ['ä € 😀', 'ä € 😀'],
  ])('shows %j as text, in attributes too', (value, shown) => {
    expect(html`<p title="${value}">${value}</p>`.markup).toBe(`<p title="${shown}">${shown}</p>`);
  });

  test('takes numbers, other pieces and lists of them, and nothing for what is absent', () => {
    const items = ['a', '<'].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}</ul>${0}${undefined}${false}${html`<br>`}`.markup).toBe(
      '<ul><li>a</li><li>&lt;</li></ul>0<br>',
    );
  });
});
