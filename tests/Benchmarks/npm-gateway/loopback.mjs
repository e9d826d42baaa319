// The gateway listens on every address and has no option for it: here on this machine only.
import net from 'node:net';

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  return typeof port === 'number' ? listen.call(this, { port, host: '127.0.0.1' }, ...rest.filter(argument => typeof argument === 'function')) : listen.call(this, port, ...rest);
};

// It adds headers to streams as fetch returns them, which Node 20 does not allow.
const fetched = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const { body, status, statusText, headers } = await fetched(...request);
  return new Response(body, { status, statusText, headers: new Headers(headers) });
};
