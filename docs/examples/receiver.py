import base64, hashlib, hmac, json, os, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["CHENGGUAN_SECRET"].removeprefix("whsec_"))

# A real core keeps these ids in its database and writes them in the transaction that takes the event.
taken = set()
one_at_a_time = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.signed(body):
            return self.answer(401)
        with one_at_a_time:
            for event in json.loads(body):
                if event["id"] not in taken:
                    taken.add(event["id"])
                    print(event["type"], event["id"], json.dumps(event["data"]), flush=True)
        self.answer(204)

    def signed(self, body):
        """Standard Webhooks: HMAC-SHA256 over id.timestamp.body. Old timestamps are refused, so nothing can be played again."""
        stamp = self.headers.get("webhook-timestamp", "")
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > 300:
            return False
        text = f"{self.headers.get('webhook-id', '')}.{stamp}.".encode() + body
        wanted = "v1," + base64.b64encode(hmac.new(KEY, text, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(wanted, one) for one in self.headers.get("webhook-signature", "").split(" "))

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9090"))), Receiver)
print(f"listening on {server.server_address[1]}", flush=True)
server.serve_forever()
