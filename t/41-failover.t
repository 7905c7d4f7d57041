#!/usr/bin/perl

# Fail-over to a target of another dialect: what is done around a translation
# (several answers, media by URL, state of a conversation, parameters) is done
# anew for it.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use MIME::Base64;
use Scripts;
use Test::More;
use Upstream;

my $png = "\x89PNG\r\n\x1a\n" . 'x' x 200;
my $fails = sub { [reply => 500, { 'Content-Type' => 'application/json' },
    '{"error":{"message":"broken","type":"server_error"}}'] };
my $web = Upstream->new(sub { [reply => 200, { 'Content-Type' => 'image/png' },
    $png] });
my %up = map { $_ => Upstream->new(sub {
	my ($req) = @_;
	my $b = eval { Upstream::json_of($req) } // {};
	my $model = $b->{model} // ($req->{path} =~ m{models/([^:]+)})[0];

	return $fails->() if $model =~ /fail/;
	return answer_for($req);
}) } qw(chat anth gem);
my $g = Gateway->new(config => <<"EOT");
RETRY_TRIES: 3
FETCH_PRIVATE: true
CHOICES_MAX: 4
PROVIDERS:
@{[ join '', map { my ($n, $d, $v) = @$_; "  $n: { dialect: $d, base_url: \"" .
    $up{$n}->base . "$v\", keys: [key-$n] }\n" } ['chat', 'openai-chat', '/v1'],
    ['anth', 'anthropic', ''], ['gem', 'gemini', ''] ]}
EOT
my $w = $web->base;
my $pos = 0;

sub rule {
	my ($name, @targets) = @_;

	$g->sql('INSERT INTO rules (pos, name, match, targets, strategy, ' .
	    'affinity) VALUES (' . ++$pos . ", '$name', '" . json_text({
	    model => $name }) . "', '" . json_text([ map { my ($p, $m, %o) =
	    @$_; { provider => $p, model => $m, %o } } @targets ]) .
	    "', 'ordered', 1)");
}
rule('to-anth', ['chat', 'gpt-fail'], ['anth', 'claude-good']);
rule('to-gem', ['chat', 'gpt-fail'], ['gem', 'gemini-good']);
rule('anth-to-gem', ['anth', 'claude-fail'], ['gem', 'gemini-good']);
rule('gem-to-chat', ['gem', 'gemini-fail'], ['chat', 'gpt-good']);
rule('set', ['chat', 'gpt-fail', set => { temperature => 0.25 }],
    ['anth', 'claude-3-5-haiku']);
$g->sql('UPDATE meta SET generation = generation + 1');
ok($g->known, 'the rules are known');

sub ask {
	my ($model, %o) = @_;
	my $r;

	$_->forget for values %up, $web;
	$r = Client->once($g->port, POST => '/v1/chat/completions', {}, {
	    model => $model, max_tokens => 900, messages => [ { role => 'user',
	    content => 'x' } ], %o });
	is($r->{status}, 200, 'answered') or diag $r->{body};
	return $r;
}

sub bodies { map { Upstream::json_of($_) } grep { $_->{event} eq 'request' }
    $up{ $_[0] }->requests }

subtest 'several answers' => sub {
	my $j = Client::json(ask('to-anth', n => 3));
	is(scalar @{ $j->{choices} }, 3, 'three');
	is(scalar(bodies('anth')), 3, '... by three calls');
	is((bodies('chat'))[0]{n}, 3, 'after one that was to give all');
	ask('to-gem', n => 2);
	is((bodies('gem'))[0]{generationConfig}{candidateCount}, 2,
	    'in one call where that gives several');
	is(scalar(bodies('gem')), 1, '... just one');
	ask('anth-to-gem', n => 2);
	is((bodies('gem'))[0]{generationConfig}{candidateCount}, 2,
	    'also behind one that takes several calls');
	$j = ask('to-anth', n => 2, stream => \1);
	my %i = map { $_->{index} => 1 } map { @{ $_->{json}{choices} // [] } }
	    Client::events($j->{body});
	is_deeply([ sort keys %i ], [0, 1], 'streamed');
};

subtest 'what is kept of keys' => sub {
	$g->settled;
	my %e = map { $_->{name} => $_ } $g->sql('SELECT p.name, u.error_us,
	    u.error_status, u.error FROM key_use u JOIN keys k ON k.id =
	    u.key_id JOIN providers p ON p.id = k.provider_id');
	is($e{chat}{error_status}, 500, 'its last error, though the request' .
	    ' went well');
	like($e{chat}{error}, qr/broken/, '... in words');
	ok($e{chat}{error_us} > 1e15, '... and when');
	is($e{gem}{error_us}, 0, 'none of one that served');
};

subtest 'media by URL' => sub {
	my @content = ({ type => 'text', text => 'What is it?' }, { type =>
	    'image_url', image_url => { url => "$w/x.png" } });
	ask('to-gem', messages => [ { role => 'user', content =>
	    \@content } ]);
	is((bodies('chat'))[0]{messages}[0]{content}[1]{image_url}{url},
	    "$w/x.png", 'a URL goes to who takes it');
	my ($part) = grep { $_->{inlineData} }
	    @{ (bodies('gem'))[0]{contents}[0]{parts} };
	is(decode_base64($part->{inlineData}{data}), $png,
	    'and is fetched for the next');
	ask('gem-to-chat', messages => [ { role => 'user', content =>
	    \@content } ]);
	is((bodies('chat'))[0]{messages}[0]{content}[1]{image_url}{url},
	    "$w/x.png", 'the other way it stays a URL');
};

subtest 'each begins with what the client said' => sub {
	ask('set', temperature => 0.5);
	is((bodies('chat'))[0]{temperature}, 0.25, "the first target's own");
	is((bodies('anth'))[0]{temperature}, 0.5, 'which ends with it');
	my $r = ask('to-anth', seed => 7, logit_bias => { 5 => 1 });
	like($r->{headers}{'x-proxyd-loss'}, qr/seed/,
	    'the report is of the target that answered');
	$r = ask('gem-to-chat', seed => 7);
	unlike($r->{headers}{'x-proxyd-loss'} // '', qr/seed/,
	    'and of no other');
};

subtest 'a conversation with tools' => sub {
	my @m = ({ role => 'user', content => 'x' }, { role => 'assistant',
	    content => undef, tool_calls => [ { id => 'call_1', type =>
	    'function', function => { name => 'f', arguments => '{}' } } ] },
	    { role => 'tool', tool_call_id => 'call_1', content => 'r' });
	for my $to (qw(to-anth to-gem anth-to-gem gem-to-chat)) {
		ask($to, messages => \@m, tools => [ { type => 'function',
		    function => { name => 'f', parameters => { type =>
		    'object', properties => {} } } } ]);
	}
};

$g->finish;
done_testing;
