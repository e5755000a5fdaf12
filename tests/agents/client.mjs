// The protocol's TypeScript SDK as a client over HTTP: lists tools, calls one and reads a resource; prints JSON.
const sdk = process.env.YOSEGI_MCP_SDK + "/dist/esm/client/";
const { Client } = await import(sdk + "index.js");
const { StreamableHTTPClientTransport } = await import(sdk + "streamableHttp.js");

const headers = { Authorization: "Bearer " + process.env.TOKEN };
const transport = new StreamableHTTPClientTransport(new URL(process.env.SITE), { requestInit: { headers } });
const client = new Client({ name: "test", version: "1" });
await client.connect(transport);
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const myself = await client.callTool({ name: "who_am_i", arguments: {} });
const read = await client.readResource({ uri: "yosegi://contracts/nims/toy.make@1" });
console.log(JSON.stringify({ tools, myself: myself.structuredContent, text: read.contents[0].text }));
await client.close();
