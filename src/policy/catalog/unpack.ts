// Generated data is kept packed. Unpacked with what every JavaScript platform has, so that this room stays free of Node;
// not by way of `Response`, which costs 100 ms to load.

/** Text of base 64 and Brotli. */
export async function unpack(base64: string): Promise<string> {
  const packed = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  // The type of the DOM knows no Brotli yet; Node has it since 24.7.
  const { readable, writable } = new DecompressionStream('brotli' as CompressionFormat);
  const writer = writable.getWriter();
  const written = writer.write(packed).then(() => writer.close());
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of readable) text += decoder.decode(chunk, { stream: true });
  await written;
  return text + decoder.decode();
}
