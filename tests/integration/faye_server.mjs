// A Bayeux server that no one here wrote (faye), with just enough of an org in front for a log-in.
// node faye_server.mjs FOLDER PORT; POST /publish {"channel":..., "data":...}
import { createRequire } from "node:module";
import http from "node:http";
import path from "node:path";

const [folder, port] = process.argv.slice(2);
const faye = createRequire(path.join(folder, "package.json"))("faye");
const bayeux = new faye.NodeAdapter({ mount: "/cometd/62.0", timeout: 2 });

function read(request, done) {
  let text = "";
  request.on("data", (piece) => { text += piece; });
  request.on("end", () => done(text));
}

const server = http.createServer((request, response) => {
  read(request, (text) => {
    const answer = (status, body) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (request.url === "/services/oauth2/token") {
      answer(200, { access_token: "00Dtoken", instance_url: `http://127.0.0.1:${port}`,
                    token_type: "Bearer" });
    } else if (request.url === "/publish") {
      const { channel, data } = JSON.parse(text);
      bayeux.getClient().publish(channel, data).then(() => answer(200, { done: true }));
    } else {
      answer(404, [{ errorCode: "NOT_FOUND", message: "not here" }]);
    }
  });
});
bayeux.attach(server);
server.listen(Number(port), "127.0.0.1");
