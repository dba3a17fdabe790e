import static java.nio.charset.StandardCharsets.UTF_8;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.election.LeaderKey;
import io.etcd.jetcd.lease.LeaseKeepAliveResponse;
import io.grpc.stub.StreamObserver;
import java.io.BufferedReader;
import java.io.InputStreamReader;

/**
 * A contender that uses jetcd: its lock or its election. Words: lock or elect, endpoints, name, TTL. It says "ready", and
 * then does what it is told by lines, numbered by turns: "enter 1" gives "held 1 TOKEN" when its turn has come, and
 * "leave 1" gives "left 1". When its lease is lost it says "lost", and ends.
 */
public final class Contender {
    /** What a contender takes part in. */
    private interface Contest {
        /** Returns the fencing token. */
        long enter() throws Exception;

        void leave() throws Exception;
    }

    private static volatile boolean isOver = false;

    public static void main(String[] words) throws Exception {
        // Else the threads of the client would go on.
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        });
        Client client = Client.builder().endpoints(words[1].split(",")).build();
        ByteSequence name = ByteSequence.from(words[2], UTF_8);
        long lease = client.getLeaseClient().grant(Long.parseLong(words[3])).get().getID();
        client.getLeaseClient().keepAlive(lease, new Guard());
        takePart(words[0].equals("elect") ? election(client, name, lease) : lock(client, name, lease));
        isOver = true;
        client.getLeaseClient().revoke(lease).get();
        client.close();
    }

    private static void takePart(Contest contest) throws Exception {
        System.out.println("ready");
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] parts = line.split(" ");
            if (parts[0].equals("enter")) {
                System.out.println("held " + parts[1] + " " + contest.enter());
            } else {
                contest.leave();
                System.out.println("left " + parts[1]);
            }
        }
    }

    private static Contest lock(Client client, ByteSequence name, long lease) {
        return new Contest() {
            private ByteSequence key;

            @Override
            public long enter() throws Exception {
                var answer = client.getLockClient().lock(name, lease).get();
                key = answer.getKey();
                return answer.getHeader().getRevision();
            }

            @Override
            public void leave() throws Exception {
                client.getLockClient().unlock(key).get();
            }
        };
    }

    private static Contest election(Client client, ByteSequence name, long lease) {
        return new Contest() {
            private LeaderKey leader;

            @Override
            public long enter() throws Exception {
                ByteSequence value = ByteSequence.from("Java", UTF_8);
                leader = client.getElectionClient().campaign(name, lease, value).get().getLeader();
                // The header of the answer is that of entering: the token is from a read afterwards.
                return client.getElectionClient().leader(name).get().getHeader().getRevision();
            }

            @Override
            public void leave() throws Exception {
                client.getElectionClient().resign(leader).get();
            }
        };
    }

    private static final class Guard implements StreamObserver<LeaseKeepAliveResponse> {
        @Override
        public void onNext(LeaseKeepAliveResponse answer) {}

        @Override
        public void onError(Throwable error) {
            end();
        }

        @Override
        public void onCompleted() {
            end();
        }

        private void end() {
            if (isOver) return;
            System.out.println("lost");
            Runtime.getRuntime().halt(2);
        }
    }
}
