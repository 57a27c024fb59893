import { connect } from 'smpp'

/** The library alone, as a user would start it: answers each deliver_sm at once and stores nothing. */
const session = connect({ url: `smpp://127.0.0.1:${process.argv[2]}` }, () => {
  session.bind_transceiver({ system_id: 'bench', password: 'bench' }, (pdu) => {
    if (pdu.command_status !== 0) process.exit(1)
  })
})
session.on('deliver_sm', (pdu) => session.send(pdu.response()))
session.on('error', () => process.exit(1))
session.on('close', () => process.exit(0))
process.stdin.once('end', () => process.exit(0)).resume()
